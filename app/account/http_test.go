package account_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/kachi-io/kachi/app/account"
	"github.com/kachi-io/kachi/app/apptest"
	"github.com/kachi-io/kachi/app/server"
	"github.com/kachi-io/kachi/internal/assert"
)

// browser keeps cookies and says where its requests come from.
type browser struct {
	app  *apptest.App
	http *http.Client
}

func newBrowser(t *testing.T, app *apptest.App) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	assert.NoError(t, err)
	return &browser{app, &http.Client{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 30 * time.Second}}
}

func (b *browser) call(t *testing.T, method, path string, body any, header ...string) (*http.Response, string) {
	t.Helper()
	var in io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		assert.NoError(t, err)
		in = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, b.app.URL+path, in)
	assert.NoError(t, err)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := b.http.Do(r)
	assert.NoError(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	assert.NoError(t, err)
	return answer, string(text)
}

func (b *browser) cookies(t *testing.T, path string) map[string]string {
	t.Helper()
	u, err := url.Parse(b.app.URL + path)
	assert.NoError(t, err)
	all := map[string]string{}
	for _, c := range b.http.Jar.Cookies(u) {
		all[c.Name] = c.Value
	}
	return all
}

func mina() map[string]any {
	return map[string]any{"name": "Mina", "password": apptest.Password}
}

func TestABrowserSignsInAndOutByCookies(t *testing.T) {
	app := apptest.New(t, nil)
	b := newBrowser(t, app)
	answer, text := b.call(t, "POST", "/api/auth/register", mina())
	assert.Equal(t, answer.StatusCode, 201, text)
	assert.True(t, contains(text, `"accessToken":"`, `"expiresAt":"`, `"user":{`) && !contains(text, "refreshToken"), text)
	for _, c := range answer.Cookies() {
		assert.True(t, c.HttpOnly && c.SameSite == http.SameSiteStrictMode && !c.Secure && c.Domain == "", c)
		assert.True(t, c.Expires.After(time.Now()), c)
		assert.Equal(t, c.Path, map[string]string{account.SessionCookie: "/", account.RefreshCookie: "/api/auth"}[c.Name])
	}
	assert.Equal(t, len(answer.Cookies()), 2)
	assert.Equal(t, b.cookies(t, "/")[account.RefreshCookie], "", "only where it is needed")
	first := b.cookies(t, "/api/auth/refresh")

	answer, _ = b.call(t, "GET", "/api/me", nil)
	assert.Equal(t, answer.StatusCode, 200, "by the session's cookie")
	answer, text = b.call(t, "POST", "/api/auth/refresh", nil)
	assert.Equal(t, answer.StatusCode, 200, text)
	second := b.cookies(t, "/api/auth/refresh")
	for _, name := range []string{account.SessionCookie, account.RefreshCookie} {
		assert.True(t, second[name] != "" && second[name] != first[name], name)
	}

	answer, text = b.call(t, "POST", "/api/auth/logout", nil)
	assert.Equal(t, answer.StatusCode, 204, text)
	assert.Equal(t, b.cookies(t, "/api/auth/refresh"), map[string]string{})
	answer, _ = b.call(t, "POST", "/api/auth/refresh", nil)
	assert.Equal(t, answer.StatusCode, 401)
	for _, old := range []string{first[account.SessionCookie], second[account.SessionCookie]} {
		answer, text = b.call(t, "GET", "/api/me", nil, "Authorization", "Bearer "+old)
		assert.Equal(t, answer.StatusCode, 401)
		assert.True(t, contains(text, `"reason":"revoked"`), text)
	}
	answer, _ = b.call(t, "POST", "/api/auth/logout", nil)
	assert.Equal(t, answer.StatusCode, 204, "nobody is signed in, which is what was wanted")
}

func TestCookiesAreSecureBehindTLS(t *testing.T) {
	app := apptest.New(t, nil)
	b := newBrowser(t, app)
	for i, c := range []struct {
		name, value string
		secure      bool
	}{
		{"X-Forwarded-Proto", "https", true},
		{"X-Forwarded-Proto", "HTTPS, http", true},
		{"Forwarded", `for=192.0.2.1;proto=https;by=198.51.100.1, for=198.51.100.2`, true},
		{"Forwarded", `proto="https"`, true},
		{"X-Forwarded-Proto", "http", false},
		{"Forwarded", `for=192.0.2.1;proto=http, proto=https`, false},
		{"Forwarded", `proto=httpsx`, false},
	} {
		who := mina()
		who["name"] = "Mina " + string(rune('A'+i))
		answer, text := b.call(t, "POST", "/api/auth/register", who, c.name, c.value)
		assert.Equal(t, answer.StatusCode, 201, text)
		for _, cookie := range answer.Cookies() {
			assert.Equal(t, cookie.Secure, c.secure, c.value)
		}
	}
}

func TestClientsWithoutCookies(t *testing.T) {
	app := apptest.New(t, nil)
	app.Register(t, "Mina")
	b := newBrowser(t, app)
	who := mina()
	who["cookies"] = false
	var in, next struct{ AccessToken, RefreshToken string }
	answer, text := b.call(t, "POST", "/api/auth/login", who)
	assert.Equal(t, answer.StatusCode, 200, text)
	assert.Equal(t, len(answer.Cookies()), 0)
	assert.NoError(t, json.Unmarshal([]byte(text), &in))
	answer, text = b.call(t, "POST", "/api/auth/refresh", map[string]string{"refreshToken": in.RefreshToken})
	assert.Equal(t, answer.StatusCode, 200, text)
	assert.Equal(t, len(answer.Cookies()), 0)
	assert.NoError(t, json.Unmarshal([]byte(text), &next))
	answer, _ = b.call(t, "POST", "/api/auth/logout", map[string]string{"refreshToken": next.RefreshToken})
	assert.Equal(t, answer.StatusCode, 204)
	answer, _ = b.call(t, "GET", "/api/me", nil, "Authorization", "Bearer "+next.AccessToken)
	assert.Equal(t, answer.StatusCode, 401)
}

// Who has lost the refresh token signs out by the access token.
func TestSigningOutByTheAccessToken(t *testing.T) {
	app := apptest.New(t, nil)
	one := app.Register(t, "Mina")
	var two struct{ AccessToken string }
	app.Nobody().Call(t, 200, "POST", "/api/auth/login", map[string]any{"name": "Mina", "password": apptest.Password, "cookies": false}, &two)
	one.Call(t, 204, "POST", "/api/auth/logout", nil, nil)
	one.Refused(t, 401, "unauthorized", "GET", "/api/me", nil)
	one.Token = two.AccessToken
	one.Call(t, 200, "GET", "/api/me", nil, nil)
}

// The same answer to both, and the same work: who has an account here is nobody's business,
// as far as the search for people does not tell.
func TestAnUnknownNameAndAWrongPasswordAreAnsweredAlike(t *testing.T) {
	app := apptest.New(t, nil)
	app.Register(t, "Mina")
	b := newBrowser(t, app)
	for _, password := range []string{"wrong wrong wrong", "short", strings.Repeat("x", 900)} {
		known, one := b.call(t, "POST", "/api/auth/login", map[string]string{"name": "Mina", "password": password})
		unknown, two := b.call(t, "POST", "/api/auth/login", map[string]string{"name": "Mino", "password": password})
		assert.Equal(t, known.StatusCode, 401, one)
		assert.Equal(t, unknown.StatusCode, 401, two)
		assert.Equal(t, one, two)
		assert.True(t, contains(one, `"reason":"credentials"`), one)
	}
}

func TestGuessingIsLimited(t *testing.T) {
	app := apptest.New(t, nil)
	app.Register(t, "Mina")
	nobody := app.Nobody()
	wrong := map[string]string{"name": "MINA ", "password": "wrong wrong wrong"}
	for range 10 {
		nobody.Refused(t, 401, "unauthorized", "POST", "/api/auth/login", wrong)
	}
	answer := nobody.Do(t, "POST", "/api/auth/login", wrong)
	assert.Equal(t, answer.StatusCode, 429)
	assert.True(t, answer.Header.Get("Retry-After") != "")
	nobody.Refused(t, 429, "rate_limited", "POST", "/api/auth/login", mina())
	app.Register(t, "Jun")
}

func TestRolesAndPeople(t *testing.T) {
	app := apptest.New(t, nil)
	root, jun := app.Register(t, "Root"), app.Register(t, "준 100%_")
	path := "/api/users/" + jun.ID.String() + "/role"
	jun.Refused(t, 403, "forbidden", "PUT", path, map[string]string{"role": "admin"})
	root.Refused(t, 400, "invalid", "PUT", path, map[string]string{"role": "king"})
	root.Refused(t, 400, "invalid", "PUT", path, map[string]string{"role": "user", "ROLE": "king"})
	root.Refused(t, 404, "not_found", "PUT", "/api/users/99/role", map[string]string{"role": "admin"})
	root.Refused(t, 400, "invalid", "PUT", "/api/users/x/role", map[string]string{"role": "admin"})
	root.Refused(t, 409, "conflict", "PUT", "/api/users/"+root.ID.String()+"/role", map[string]string{"role": "user"})
	root.Call(t, 204, "PUT", path, map[string]string{"role": "admin"}, nil)
	jun.Refused(t, 401, "unauthorized", "GET", "/api/me", nil) // what names the old role

	for query, want := range map[string]int{"준": 1, "준 100%25_": 1, "%25": 0, "_": 0, "": 0, "'": 0, "%27%20OR%201=1": 0, "r": 1, "ROOT": 1} {
		var found struct {
			Users []map[string]string
		}
		root.Call(t, 200, "GET", "/api/users?q="+strings.ReplaceAll(query, " ", "%20"), nil, &found)
		assert.Equal(t, len(found.Users), want, query)
		for _, u := range found.Users {
			assert.Equal(t, len(u), 2, "id and name, nothing else")
		}
	}
}

// Everybody may look for people by name; to have all of them takes patience.
func TestSearchingIsLimited(t *testing.T) {
	app := apptest.New(t, nil)
	mina := app.Register(t, "Mina")
	for range 5000 {
		answer := mina.Do(t, "GET", "/api/users?q=m", nil)
		if answer.StatusCode == http.StatusTooManyRequests {
			return
		}
		assert.Equal(t, answer.StatusCode, 200)
	}
	t.Error("5,000 times, one after the other")
}

func TestServiceTokens(t *testing.T) {
	app := apptest.New(t, &server.Options{AccessLifetime: time.Hour})
	for _, path := range []string{"/api/me", "/api/users"} {
		app.Service().Refused(t, 401, "unauthorized", "GET", path, nil)
	}
}
