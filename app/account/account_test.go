package account_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/app/apptest"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/mysqlserver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(mysqlserver.Main{M: m}) }

func TestSignIn(t *testing.T) {
	apptest.Each(t, nil, signIn)
}

func signIn(t *testing.T, app *apptest.App) {
	admin := app.Register(t, "Root")
	mina := app.Register(t, "Mina P.")

	var me struct{ ID, Name, Role string }
	mina.Call(t, 200, "GET", "/api/me", nil, &me)
	assert.Equal(t, me.Name, "Mina P.")
	assert.Equal(t, me.Role, "user")
	admin.Call(t, 200, "GET", "/api/me", nil, &me)
	assert.Equal(t, me.Role, "admin", "the first account")

	nobody := app.Nobody()
	nobody.Refused(t, 401, "unauthorized", "GET", "/api/me", nil)
	nobody.Refused(t, 409, "conflict", "POST", "/api/auth/register", map[string]string{"name": "mina  p.", "password": apptest.Password})
	nobody.Refused(t, 400, "invalid", "POST", "/api/auth/register", map[string]string{"name": "Jun", "password": "short"})
	nobody.Refused(t, 401, "unauthorized", "POST", "/api/auth/login", map[string]string{"name": "Mina P.", "password": "wrong wrong"})
	nobody.Refused(t, 401, "unauthorized", "POST", "/api/auth/login", map[string]string{"name": "Nobody", "password": "wrong wrong"})
	var in struct{ AccessToken, RefreshToken string }
	nobody.Call(t, 200, "POST", "/api/auth/login", map[string]any{"name": "MINA P.", "password": apptest.Password, "cookies": false}, &in)
	assert.True(t, in.AccessToken != "" && in.RefreshToken != "")

	var next struct{ AccessToken, RefreshToken string }
	nobody.Call(t, 200, "POST", "/api/auth/refresh", map[string]string{"refreshToken": in.RefreshToken}, &next)
	nobody.Refused(t, 401, "unauthorized", "POST", "/api/auth/refresh", map[string]string{"refreshToken": in.RefreshToken})
	nobody.Refused(t, 401, "unauthorized", "POST", "/api/auth/refresh", map[string]string{"refreshToken": next.RefreshToken})

	// A restart signs nobody out.
	app = app.Restart(t)
	mina.On(app).Call(t, 200, "GET", "/api/me", nil, &me)
	app.Nobody().Call(t, 200, "POST", "/api/auth/login", map[string]any{"name": "mina p.", "password": apptest.Password}, &in)
}
