package dashboard_test

import (
	"testing"

	"github.com/kachi-io/kachi/app/account"
	"github.com/kachi-io/kachi/app/apptest"
	"github.com/kachi-io/kachi/app/dashboard"
	"github.com/kachi-io/kachi/app/server"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/testclient"
)

func TestInTheServer(t *testing.T) {
	app := apptest.New(t, &server.Options{Version: "v1.2"})
	app.Register(t, "Root")
	c := app.Register(t, "Mina").Dial(t, "/dashboard")
	var u dashboard.Update
	c.Expect("dashboardUpdate").Decode(t, &u)
	assert.Equal(t, u.Version, "v1.2")
	assert.True(t, u.RSS > 0 && u.Database != "" && u.Node != "")
	var h dashboard.History
	c.Ask(&h, "history")
	assert.Equal(t, len(h.Points), 1)
	assert.Equal(t, h.Points[0].At, u.At)
	var e struct{ Code string }
	c.Ask(&e, "history", "more than nothing")
	assert.Equal(t, e.Code, "bad_request")
}

func TestForAdministrators(t *testing.T) {
	app := apptest.New(t, &server.Options{DashboardRole: account.RoleAdmin})
	root, mina := app.Register(t, "Root"), app.Register(t, "Mina")
	_, refusal := testclient.Try(t, app.URL, "/dashboard", map[string]string{"token": mina.Token})
	assert.True(t, refusal != "", "refused")
	c := root.Dial(t, "/dashboard")
	c.Expect("dashboardUpdate")
	var answer struct{ Code string }
	c.Ask(&answer, "refreshToken", map[string]string{"token": app.LogIn(t, "Root").Token})
	assert.Equal(t, answer.Code, "")
	c.Ask(&answer, "refreshToken", map[string]string{"token": mina.Token})
	assert.True(t, answer.Code != "", "somebody else's")
}
