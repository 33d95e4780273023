package server_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/kachi-io/kachi/app/api"
	"github.com/kachi-io/kachi/app/apptest"
	"github.com/kachi-io/kachi/app/server"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/testclient"
)

// send makes one request; headers are names and values.
func send(t *testing.T, method, url, body string, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	assert.NoError(t, err)
	r.Close = true
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		} else {
			r.Header.Set(header[i], header[i+1])
		}
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	assert.NoError(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	assert.NoError(t, err)
	return answer, string(text)
}

// raw sends bytes as they are, and returns what comes until the connection ends.
func raw(t *testing.T, app *apptest.App, text string) string {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(app.URL, "http://"))
	assert.NoError(t, err)
	defer c.Close()
	assert.NoError(t, c.SetDeadline(time.Now().Add(time.Minute)))
	_, err = io.WriteString(c, text)
	assert.NoError(t, err)
	answer, err := io.ReadAll(c)
	if len(answer) == 0 {
		assert.NoError(t, err)
	}
	return string(answer)
}

// What people write is text wherever it goes: the API says that it is JSON and nothing else,
// and pages run no script but their own.
func TestScriptsOfOthersAreText(t *testing.T) {
	app := apptest.New(t, nil)
	const name = `<script>alert("1")</script>`
	who := app.Register(t, name)
	answer, text := send(t, "GET", app.URL+"/api/me", "", "Authorization", "Bearer "+who.Token, "Accept", "text/html")
	var me struct{ Name string }
	assert.NoError(t, json.Unmarshal([]byte(text), &me))
	assert.Equal(t, me.Name, name)
	plain := func(answer *http.Response, text string) {
		t.Helper()
		assert.Equal(t, answer.Header.Get("Content-Type"), "application/json")
		assert.Equal(t, answer.Header.Get("X-Content-Type-Options"), "nosniff")
		assert.Equal(t, answer.Header.Get("Content-Security-Policy"), "default-src 'none'; frame-ancestors 'none'")
		assert.True(t, json.Valid([]byte(text)), text)
	}
	plain(answer, text)
	for _, path := range []string{"/api/" + url.PathEscape(name), "/api/users?limit=" + url.QueryEscape(name)} {
		plain(send(t, "GET", app.URL+path, "", "Authorization", "Bearer "+who.Token))
	}
	plain(send(t, "POST", app.URL+"/api/auth/login", name))

	for _, path := range []string{"/", "/nothing" + url.PathEscape(name)} {
		answer, text = send(t, "GET", app.URL+path, "")
		policy := answer.Header.Get("Content-Security-Policy")
		for _, rule := range []string{"default-src 'none'", "script-src 'self'", "base-uri 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"} {
			assert.True(t, strings.Contains(policy, rule), path, policy)
		}
		assert.True(t, !strings.Contains(policy, "unsafe"), policy)
		assert.Equal(t, answer.Header.Get("X-Content-Type-Options"), "nosniff")
		assert.True(t, !strings.Contains(text, "<script>alert"), text)
	}
	answer, text = send(t, "GET", app.URL+"/socket.io/?EIO=4&transport="+url.QueryEscape(name), "")
	assert.Equal(t, answer.Header.Get("Content-Type"), "application/json")
	assert.True(t, json.Valid([]byte(text)), text)
}

// A page of another site may have a browser send its cookies: nothing that changes anything
// is done for it.
func TestPagesOfOtherSitesChangeNothing(t *testing.T) {
	app := apptest.New(t, nil)
	who := app.Register(t, "Mina")
	cookie := []string{"Cookie", "kachi_session=" + who.Token}
	path := regexp.MustCompile(`\{[^}]+\}`)
	changing := 0
	for _, r := range app.Server.Routes() {
		if r.Method == "GET" {
			continue
		}
		changing++
		for _, from := range [][]string{
			{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"},
			{"Sec-Fetch-Site", "same-site", "Origin", "http://other.127.0.0.1"},
			{"Origin", "https://evil.example"}, // of an old browser
			{"Origin", "null"},
		} {
			answer, text := send(t, r.Method, app.URL+path.ReplaceAllString(r.Path, "1"), `{}`, append(from, cookie...)...)
			assert.Equal(t, answer.StatusCode, 403, "%s %s: %s", r.Method, r.Path, text)
			assert.True(t, strings.Contains(text, `"code":"forbidden"`), text)
		}
	}
	assert.True(t, changing > 5)
	who.Call(t, 200, "GET", "/api/me", nil, nil) // not signed out

	// A form is sent without asking first, with any text as its body.
	for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data"} {
		answer, _ := send(t, "POST", app.URL+"/api/auth/login", `{"name":"Mina","password":"`+apptest.Password+`"}`, "Content-Type", kind)
		assert.Equal(t, answer.StatusCode, 415, kind)
		assert.Equal(t, len(answer.Cookies()), 0)
	}

	answer, text := send(t, "PUT", app.URL+"/api/me/password", `{"oldPassword":"`+apptest.Password+`","newPassword":"`+apptest.Password+`"}`,
		append(cookie, "Sec-Fetch-Site", "same-origin", "Origin", app.URL)...)
	assert.Equal(t, answer.StatusCode, 200, text)
	answer, text = send(t, "POST", app.URL+"/api/auth/login", `{"name":"Mina","password":"`+apptest.Password+`","cookies":false}`)
	assert.Equal(t, answer.StatusCode, 200, "a client that is no browser", text)
}

// Whatever stands in names, keys and searches is a value of a statement, never a part of it.
func TestSQLIsNoInput(t *testing.T) {
	apptest.Each(t, nil, func(t *testing.T, app *apptest.App) {
		names := []string{"Robert'); DROP TABLE users; --", `" OR 1=1 --`, `back\slash\' OR 1`, "100%", "un_der", "/* */ 1", "`users`", "0x27; SELECT 1"}
		for _, name := range names {
			p := app.Register(t, name)
			var me struct{ Name string }
			app.LogIn(t, name).Call(t, 200, "GET", "/api/me", nil, &me)
			assert.Equal(t, me.Name, name)
			var found struct{ Users []struct{ ID, Name string } }
			p.Call(t, 200, "GET", "/api/users?q="+url.QueryEscape(name), nil, &found)
			assert.Equal(t, len(found.Users), 1, name)
			assert.Equal(t, found.Users[0].Name, name)
		}
		who := app.LogIn(t, names[0])
		for _, search := range []string{"%", "_", "'", `\`, `"`, "' OR '1'='1", "x' UNION SELECT password FROM users --", "%%", "r%", "_obert"} {
			var found struct{ Users []any }
			who.Call(t, 200, "GET", "/api/users?q="+url.QueryEscape(search), nil, &found)
			for _, u := range found.Users {
				name, _ := u.(map[string]any)["name"].(string)
				assert.True(t, strings.HasPrefix(strings.ToLower(name), search), search, name)
			}
		}
		for _, id := range []string{"1%20OR%201=1", "1;", "1'", "-1", "1e1"} {
			who.Refused(t, 400, "invalid", "PUT", "/api/users/"+id+"/role", map[string]string{"role": "user"})
		}
		nobody := app.Nobody()
		for _, name := range []string{"' OR '1'='1", `\`, "admin'--"} {
			nobody.Refused(t, 401, "unauthorized", "POST", "/api/auth/login", map[string]string{"name": name, "password": "' OR '1'='1' --"})
		}
	})
}

func TestBodiesAndHeadersAreBounded(t *testing.T) {
	app := apptest.New(t, nil)
	who := app.Register(t, "Mina")
	path := regexp.MustCompile(`\{[^}]+\}`)
	tried := 0
	for _, r := range app.Server.Routes() {
		token := who.Token
		if r.Access == api.Service {
			token = apptest.ServiceToken
		}
		if r.Method == "GET" || r.MaxBody > 1<<20 {
			continue
		}
		try := func(body string) (*http.Response, string) {
			return send(t, r.Method, app.URL+path.ReplaceAllString(r.Path, "1"), body, "Authorization", "Bearer "+token)
		}
		if _, text := try("}"); !strings.Contains(text, `"code":"bad_request"`) {
			continue // it has no body, or is not for her
		}
		answer, text := try(`{"x":"` + strings.Repeat("x", int(r.MaxBody)) + `"}`)
		assert.Equal(t, answer.StatusCode, 413, r.Method+" "+r.Path+" "+text)
		assert.True(t, strings.Contains(text, `"code":"too_large"`), text)
		tried++
	}
	assert.True(t, tried >= 4, tried)
	for _, headers := range []string{
		"X: " + strings.Repeat("x", 80<<10) + "\r\n",
		strings.Repeat("X: x\r\n", 20<<10),
		"Cookie: kachi_session=" + strings.Repeat("x", 80<<10) + "\r\n",
	} {
		answer := raw(t, app, "GET /api/me HTTP/1.1\r\nHost: x\r\n"+headers+"Connection: close\r\n\r\n")
		assert.True(t, strings.HasPrefix(answer, "HTTP/1.1 431 "), answer)
	}
	answer := raw(t, app, "GET /"+strings.Repeat("x", 80<<10)+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	assert.True(t, strings.HasPrefix(answer, "HTTP/1.1 431 "), answer)
	// A token of the largest size that a header may have is refused as one that is none.
	refused, text := send(t, "GET", app.URL+"/api/me", "", "Authorization", "Bearer "+strings.Repeat("x", 32<<10))
	assert.Equal(t, refused.StatusCode, 401, text)
}

// tricks are paths that mean another place to whoever reads them otherwise.
var tricks = []string{
	"/../secret.txt", "/../../secret.txt", "//secret.txt", "/./../secret.txt", "/%2e%2e/secret.txt", "/%2e%2e%2fsecret.txt", "/..%2fsecret.txt",
	"/..%5csecret.txt", `/..\secret.txt`, "/%252e%252e/secret.txt", "/..%c0%afsecret.txt", "/assets/../../secret.txt", "/assets/..%2f..%2fsecret.txt",
	"/secret.txt%00", "/secret.txt%00.html", "/%00", "/.hidden", "/.git/config", "/link.txt", "/folder/", "/folder/../.hidden", "/index.html/../../secret.txt",
	"/....//secret.txt", "//evil.example/%2e%2e", "//evil.example/..", "/%2f%2fevil.example/", `/\evil.example`, "/%0d%0aSet-Cookie:x=y", "//evil.example//",
	"http://evil.example/secret.txt", "/con", "/secret.txt::$DATA", "/~root", "/;/secret.txt",
}

func TestPathTricks(t *testing.T) {
	outside := t.TempDir()
	site := filepath.Join(outside, "site")
	write := func(name, text string) {
		t.Helper()
		assert.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		assert.NoError(t, os.WriteFile(name, []byte(text), 0o644))
	}
	write(filepath.Join(outside, "secret.txt"), "SECRET")
	write(filepath.Join(site, "index.html"), "mine")
	write(filepath.Join(site, ".hidden"), "SECRET")
	write(filepath.Join(site, ".git", "config"), "SECRET")
	write(filepath.Join(site, "folder", "inside.txt"), "SECRET of a list, were there one")
	assert.NoError(t, os.Symlink(filepath.Join(outside, "secret.txt"), filepath.Join(site, "link.txt")))

	for name, static := range map[string]string{"pages": "", "folder": site} {
		t.Run(name, func(t *testing.T) {
			app := apptest.New(t, &server.Options{Static: static})
			for _, path := range tricks {
				text := raw(t, app, "GET "+path+" HTTP/1.1\r\nHost: kachi.example\r\nConnection: close\r\n\r\n")
				elsewhere(t, path, text)
				assert.True(t, !strings.Contains(text, "SECRET") && !strings.Contains(text, "inside.txt"), path, text)
				assert.True(t, !strings.HasPrefix(text, "HTTP/1.1 5") || strings.Contains(text, "make build"), path, text)
			}
			// Of the API's guards none is passed by another way to write the path.
			for _, path := range []string{
				"/api//me", "//api/me", "/api/./me", "/api/x/../me", "/api/%6de", "/api/me/", "/api/me%00", "/api/me%2f", "/api%2fme", "/api/%2e%2e/api/me", "/API/me",
				"/api/me;x", "/api/me/..;/me", "/socket.io/../api/me", "/healthz/../api/me", `/api\me`, "/api/me?x=%00", "/api/users/../me", "http://other/api/me",
			} {
				text := raw(t, app, "GET "+path+" HTTP/1.1\r\nHost: kachi.example\r\nConnection: close\r\n\r\n")
				elsewhere(t, path, text)
				assert.True(t, !strings.Contains(text, `"role"`), path, text)
				assert.True(t, regexp.MustCompile(`^HTTP/1.1 (30[1278]|40[0145]) `).MatchString(text), path, text)
			}
		})
	}
}

// elsewhere fails when an answer leads to another host, or has a header that was sent.
func elsewhere(t *testing.T, path, answer string) {
	t.Helper()
	head, _, _ := strings.Cut(answer, "\r\n\r\n")
	for line := range strings.SplitSeq(head, "\r\n") {
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		if strings.EqualFold(name, "Location") {
			assert.True(t, strings.HasPrefix(value, "/") && !strings.HasPrefix(value, "//") && !strings.HasPrefix(value, `/\`), path, line)
		}
		assert.True(t, !strings.EqualFold(name, "Set-Cookie"), path, line)
	}
}

func TestTheFolderOfPagesDoesNotHoldTheData(t *testing.T) {
	folder := t.TempDir()
	link := filepath.Join(t.TempDir(), "link")
	assert.NoError(t, os.Symlink(folder, link))
	for _, data := range []string{folder, filepath.Join(folder, "data"), filepath.Join(folder, "a", "..", "b")} {
		_, err := server.New(t.Context(), &server.Options{Static: folder, Data: data})
		assert.True(t, err != nil && strings.Contains(err.Error(), "everybody could fetch them"), data, err)
	}
	_, err := server.New(t.Context(), &server.Options{Static: link, Data: folder})
	assert.True(t, err != nil && strings.Contains(err.Error(), "everybody could fetch them"), err)
	data := t.TempDir()
	s, err := server.New(t.Context(), &server.Options{Static: filepath.Join(data), Data: data + "-beside"})
	assert.NoError(t, err)
	assert.NoError(t, s.Close())
	assert.NoError(t, os.RemoveAll(data+"-beside"))
}

// Origins that only look like the server's or like one that is allowed get nowhere: not by
// polling, not by WebSocket, not into the API.
// A secret that was restored by hand may be one that everybody on the machine can read, and
// be anybody's with.
func TestTheSecretIsTheServersAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jwt-secret")
	assert.NoError(t, os.WriteFile(path, []byte(strings.Repeat("k", 64)+"\n"), 0o644))
	s, err := server.New(t.Context(), &server.Options{Data: filepath.Dir(path)})
	assert.NoError(t, err)
	assert.NoError(t, s.Close())
	info, err := os.Stat(path)
	assert.NoError(t, err)
	assert.Equal(t, info.Mode().Perm(), fs.FileMode(0o600))
	text, err := os.ReadFile(path)
	assert.NoError(t, err)
	assert.Equal(t, string(text), strings.Repeat("k", 64)+"\n")
}

func TestOriginTricks(t *testing.T) {
	app := apptest.New(t, &server.Options{AllowedOrigins: []string{"https://app.example"}})
	own := strings.TrimPrefix(app.URL, "http://")
	_, port, _ := strings.Cut(own, ":")
	for origin, good := range map[string]bool{
		app.URL: true, "https://app.example": true, "http://LOCALHOST:" + port: false,
		"null": false, "https://evil.example": false, "https://x.app.example": false, "https://app.example.evil.example": false, "https://evilapp.example": false,
		"http://app.example": false, "https://app.example:8443": false, "http://127.0.0.1": false, "http://127.0.0.1:1": false,
		"https://app.example@evil.example": false, "https://app.example%60.evil.example": false, "https://evil.example#" + own: false, "file://": false, "app.example": false,
	} {
		answer, text := send(t, "GET", app.URL+"/socket.io/?EIO=4&transport=polling", "", "Origin", origin)
		assert.Equal(t, answer.StatusCode, map[bool]int{true: 200, false: 403}[good], origin, text)
		if sid := regexp.MustCompile(`"sid":"([^"]+)"`).FindStringSubmatch(text); sid != nil {
			_, _ = send(t, "POST", app.URL+"/socket.io/?EIO=4&transport=polling&sid="+sid[1], "1")
		}
		conn, _, err := websocket.Dial(t.Context(), app.URL+"/socket.io/?EIO=4&transport=websocket", &websocket.DialOptions{HTTPHeader: http.Header{"Origin": {origin}}})
		assert.Equal(t, err == nil, good, origin)
		if err == nil {
			_ = conn.CloseNow()
		}
		answer, text = send(t, "POST", app.URL+"/api/auth/login", `{"name":"Nobody","password":"wrong wrong"}`, "Origin", origin)
		assert.Equal(t, answer.StatusCode, map[bool]int{true: 401, false: 403}[good], origin, text)
		allowed := ""
		if origin == "https://app.example" {
			allowed = origin
		}
		assert.Equal(t, answer.Header.Get("Access-Control-Allow-Origin"), allowed)
	}
}

// Nothing of what the server makes goes by the header Host, which anybody may write.
func TestTheHostHeaderIsNotRepeated(t *testing.T) {
	app := apptest.New(t, nil)
	app.Register(t, "Mina")
	for _, host := range []string{"evil.example", "evil.example:80", "127.0.0.1@evil.example"} {
		for _, path := range []string{"/", "//x", "/api/me", "/nothing", "/socket.io/?EIO=4&transport=polling"} {
			text := raw(t, app, "GET "+path+" HTTP/1.1\r\nHost: "+host+"\r\nX-Forwarded-Host: evil.example\r\nConnection: close\r\n\r\n")
			assert.True(t, !strings.Contains(text, "evil"), path, text)
		}
		answer, _ := send(t, "POST", app.URL+"/api/auth/login", `{"name":"Mina","password":"`+apptest.Password+`"}`, "Host", "evil.example")
		for _, c := range answer.Cookies() {
			assert.Equal(t, c.Domain, "")
		}
		assert.Equal(t, len(answer.Cookies()), 2)
	}
}

// Who opens a connection and does not say what it wants is not waited for.
func TestSlowHeadersAreNotWaitedFor(t *testing.T) {
	t.Parallel()
	app := apptest.New(t, nil)
	begun := "GET / HTTP/1.1\r\nHost: x\r\nX: "
	c, err := net.Dial("tcp", strings.TrimPrefix(app.URL, "http://"))
	assert.NoError(t, err)
	defer c.Close()
	_, err = io.WriteString(c, begun)
	assert.NoError(t, err)
	assert.NoError(t, c.SetReadDeadline(time.Now().Add(time.Minute))) // of a broken test
	answer, err := io.ReadAll(bufio.NewReader(c))
	var late net.Error
	assert.True(t, err == nil || !(asNetError(err, &late) && late.Timeout()), "the server waits", err)
	assert.True(t, !bytes.Contains(answer, []byte("200 OK")), string(answer))
}

func asNetError(err error, into *net.Error) bool {
	e, ok := err.(net.Error) //nolint:errorlint // it is not wrapped
	if ok {
		*into = e
	}
	return ok
}

// What people show in order to be let in is in no line of the log, at any level.
func TestLogsHaveNoSecrets(t *testing.T) {
	log := &lines{}
	const secret = "the secret that signs the tokens of this test"
	app := apptest.New(t, &server.Options{Logger: log.logger(), Secret: secret, AccessLifetime: time.Hour,
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	secrets := map[string]string{"signing secret": secret, "service token": apptest.ServiceToken, "password": apptest.Password}
	keep := func(name, text string) string {
		if text != "" {
			secrets[fmt.Sprint(name, " ", len(secrets))] = text
		}
		return text
	}
	var in struct{ AccessToken, RefreshToken string }
	sign := func(status int, how, name, password string) {
		t.Helper()
		app.Nobody().Call(t, status, "POST", "/api/auth/"+how, map[string]any{"name": name, "password": keep("password", password), "cookies": false}, &in)
		keep("access", in.AccessToken)
		keep("refresh", in.RefreshToken)
	}
	sign(201, "register", "Root", apptest.Password)
	sign(201, "register", "Mina", apptest.Password)
	sign(409, "register", "Mina", "a password for a taken name")
	sign(401, "login", "Mina", "a password that is wrong")
	sign(401, "login", "a password in the place of the name", apptest.Password)
	for range 12 {
		app.Nobody().Do(t, "POST", "/api/auth/login", map[string]string{"name": "Nobody", "password": keep("password", "a guess at a password")})
	}
	sign(200, "login", "Mina", apptest.Password)
	old := in
	app.Nobody().Call(t, 200, "POST", "/api/auth/refresh", map[string]string{"refreshToken": old.RefreshToken}, &in)
	keep("access", in.AccessToken)
	keep("refresh", in.RefreshToken)
	for _, token := range []string{old.RefreshToken, in.RefreshToken, keep("refresh", "made-up.refresh-token")} {
		app.Nobody().Refused(t, 401, "unauthorized", "POST", "/api/auth/refresh", map[string]string{"refreshToken": token})
	}
	sign(200, "login", "Mina", apptest.Password)
	for _, token := range []string{in.AccessToken, keep("access", "not.a.token"), keep("access", in.AccessToken+"x"), apptest.ServiceToken, old.AccessToken} {
		for _, path := range []string{"/api/me", "/api/notifications", "/api/nothing"} {
			_, _ = send(t, "GET", app.URL+path, "", "Authorization", "Bearer "+token)
			_, _ = send(t, "GET", app.URL+path, "", "Cookie", "kachi_session="+token+"; kachi_refresh="+in.RefreshToken)
			_, _ = send(t, "POST", app.URL+path, `{"token":"`+token+`"`, "Authorization", "Bearer "+token)
			_, _ = send(t, "GET", app.URL+path+"?token="+token, "")
		}
		namespaces := map[string]bool{"/no-such": true}
		for _, r := range app.Server.Gateways().Routes() {
			namespaces[r.Namespace] = true
		}
		for namespace := range namespaces {
			c, _ := testclient.Try(t, app.URL, namespace, map[string]string{"token": token})
			if c == nil {
				continue
			}
			c.Answer("refreshToken", map[string]string{"token": token})
			c.Answer("refreshToken", map[string]string{"token": keep("access", "a token that is none")})
			c.Answer("refreshToken", token)
			c.Answer("no such event", token)
			c.Answer("read", map[string]string{"id": token})
		}
		_, _ = send(t, "GET", app.URL+"/socket.io/?EIO=4&transport=polling&token="+token+"&sid="+token, "", "Authorization", "Bearer "+token)
		raw(t, app, "GET /api/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+token+"\x00\r\n\r\n")
	}
	person := app.LogIn(t, "Mina")
	keep("access", person.Token)
	person.Call(t, 200, "PUT", "/api/me/password", map[string]any{"oldPassword": apptest.Password, "newPassword": keep("password", "a new password of hers"), "cookies": false}, &in)
	keep("access", in.AccessToken)
	keep("refresh", in.RefreshToken)
	app.Nobody().Call(t, 204, "POST", "/api/auth/logout", map[string]string{"refreshToken": in.RefreshToken}, nil)
	app.Stop()

	text := log.String()
	assert.True(t, strings.Count(text, "\n") > 30, "the run was not busy: %s", text)
	for name, secret := range secrets {
		if i := strings.Index(text, secret); i >= 0 {
			t.Errorf("the log has the %s: …%s…", name, text[max(0, i-200):min(len(text), i+200)])
		}
	}
}
