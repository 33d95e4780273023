package document_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/app/apptest"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/mysqlserver"
	"github.com/kachi-io/kachi/internal/nodetest"
	"github.com/kachi-io/kachi/internal/testclient"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(mysqlserver.Main{M: m}) }

// view is a document as the contract has it.
type view struct {
	Key     string          `json:"key"`
	Value   json.RawMessage `json:"value"`
	Version int64           `json:"version"`
	Deleted bool            `json:"deleted"`
}

func (d view) String() string { return fmt.Sprintf("%s=%s@%d", d.Key, d.Value, d.Version) }

// failure is an answer that is an error.
type failure struct {
	Status, Code, Message string
	Details               json.RawMessage
	Version               int64 // where it is none
}

// current is what a conflict says is there.
func (f failure) current() (d view) {
	_ = json.Unmarshal(f.Details, &d)
	return d
}

type body map[string]any

func subscribe(c *testclient.Client, key string) (d view) {
	c.Ask(&d, "subscribe", body{"key": key})
	return d
}

func told(t *testing.T, c *testclient.Client) (d view) {
	t.Helper()
	c.Expect("dataUpdated").Decode(t, &d)
	return d
}

func update(c *testclient.Client, key string, value any, version int64) (answer failure) {
	c.Ask(&answer, "updateData", body{"key": key, "value": value, "version": version})
	return answer
}

func TestSubscribersAreToldOfChanges(t *testing.T) {
	apptest.Each(t, nil, func(t *testing.T, app *apptest.App) {
		mina, jun := app.Register(t, "Mina"), app.Register(t, "Jun")
		writer, other, reader := mina.Dial(t, "/sync"), mina.Dial(t, "/sync"), jun.Dial(t, "/sync")
		bystander := jun.Dial(t, "/sync")
		for _, c := range []*testclient.Client{writer, other, reader} {
			assert.Equal(t, subscribe(c, "board/1").String(), "board/1=null@0")
		}
		assert.Equal(t, subscribe(bystander, "board/2").String(), "board/2=null@0")

		assert.Equal(t, update(writer, "board/1", body{"n": 1}, 0).Version, int64(1))
		for _, c := range []*testclient.Client{writer, other, reader} {
			assert.Equal(t, told(t, c).String(), `board/1={"n":1}@1`, "the writer, too")
		}
		// A change by HTTP is told like others.
		var d view
		jun.Call(t, 200, "PUT", "/api/sync/board/1", []int{1, 2}, &d, `If-Match: "1"`)
		assert.Equal(t, d.String(), "board/1=[1,2]@2")
		assert.Equal(t, told(t, writer).String(), "board/1=[1,2]@2")
		assert.Equal(t, told(t, reader).String(), "board/1=[1,2]@2")
		assert.Equal(t, subscribe(bystander, "board/1").String(), "board/1=[1,2]@2")

		reader.Ask(nil, "subscribe", body{"key": "board/1"}) // again, which changes nothing
		other.Emit("unsubscribe", body{"key": "board/1"})
		other.Emit("unsubscribe", body{"key": "board/1"})
		assert.Equal(t, told(t, other).Version, int64(2)) // before that
		other.ExpectNothing()

		// A conflict says what is there; nobody is told of what did not happen.
		failed := update(writer, "board/1", "mine", 1)
		assert.Equal(t, failed.Code, "conflict")
		assert.Equal(t, failed.current().String(), "board/1=[1,2]@2")
		assert.Equal(t, update(writer, "board/1", "mine", 7).Code, "conflict", "a version that is to come")
		assert.Equal(t, update(writer, "board/9", "mine", 1).current().String(), "board/9=null@0")
		writer.ExpectNothing()

		// Deleted: told as null, and the versions go on.
		assert.Equal(t, jun.Do(t, "DELETE", "/api/sync/board/1", nil).StatusCode, 204)
		d = told(t, reader)
		assert.Equal(t, d.String(), "board/1=null@3")
		assert.True(t, d.Deleted)
		assert.Equal(t, told(t, writer).Version, int64(3))
		assert.Equal(t, update(writer, "board/1", nil, 0).Code, "conflict")
		assert.Equal(t, update(writer, "board/1", nil, 3).Version, int64(4))
		d = told(t, reader)
		assert.Equal(t, d.String(), "board/1=null@4")
		assert.True(t, !d.Deleted, "null is a value")

		// After a restart everything is as it was.
		app = app.Restart(t)
		d = subscribe(mina.On(app).Dial(t, "/sync"), "board/1")
		assert.Equal(t, d.String(), "board/1=null@4")
	})
}

func TestDocumentsOverHTTP(t *testing.T) {
	apptest.Each(t, nil, func(t *testing.T, app *apptest.App) {
		mina := app.Register(t, "Mina")
		const path = "/api/sync/a/b.c:d~e-f_1"
		type step struct {
			method  string
			value   any
			headers []string
			status  int
			etag    string
		}
		for i, s := range []step{
			{"GET", nil, nil, 404, ""},
			{"DELETE", nil, nil, 404, ""},
			{"DELETE", nil, []string{`If-Match: "3"`}, 404, ""},
			{"PUT", 1, []string{"If-Match: *"}, 409, ""},
			{"PUT", 1, []string{`If-Match: "1"`}, 409, ""},
			{"PUT", "one", []string{"If-None-Match: *"}, 200, `"1"`},
			{"PUT", 2, []string{"If-None-Match: *"}, 409, ""},
			{"GET", nil, nil, 200, `"1"`},
			{"GET", nil, []string{`If-None-Match: "1"`}, 304, `"1"`},
			{"GET", nil, []string{`If-None-Match: "2"`}, 200, `"1"`},
			{"PUT", 2, []string{`If-Match: "7", W/"1"`}, 200, `"2"`}, // weak: a proxy has compressed it
			{"PUT", 3, []string{"If-Match: 2"}, 200, `"3"`},
			{"PUT", 4, []string{"If-Match: *"}, 200, `"4"`},
			{"PUT", 5, nil, 200, `"5"`},
			{"PUT", 5, []string{"If-Match: five"}, 400, ""},
			{"PUT", 5, []string{`If-Match: "5`}, 400, ""},
			{"PUT", 5, []string{`If-None-Match: "-1"`}, 400, ""},
			{"DELETE", nil, []string{`If-Match: "4"`}, 409, ""},
			{"DELETE", nil, []string{`If-Match: "5"`}, 204, `"6"`},
			{"DELETE", nil, nil, 404, ""},
			{"GET", nil, nil, 404, ""},
			{"PUT", 7, []string{"If-Match: *"}, 409, ""},
			{"PUT", 7, []string{"If-None-Match: *"}, 200, `"7"`},
		} {
			answer := mina.Do(t, s.method, path, s.value, s.headers...)
			text, err := io.ReadAll(answer.Body)
			assert.NoError(t, err)
			assert.Equal(t, answer.StatusCode, s.status, i, s.method, s.headers, string(text))
			assert.Equal(t, answer.Header.Get("ETag"), s.etag, i, s.method, s.headers)
		}
		var failed failure
		mina.Call(t, 409, "PUT", path, 8, &failed, `If-Match: "6"`)
		assert.Equal(t, failed.Status+" "+failed.Code, "error conflict")
		assert.Equal(t, failed.current().String(), "a/b.c:d~e-f_1=7@7")
		app.Nobody().Refused(t, 401, "unauthorized", "GET", path, nil)
		app.Nobody().Refused(t, 401, "unauthorized", "PUT", path, 1)
		app.Nobody().Refused(t, 401, "unauthorized", "DELETE", path, nil)
	})
}

// put sends a body that need not be JSON.
func put(t *testing.T, app *apptest.App, p *apptest.Person, path, text string) (status int, answer string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "PUT", app.URL+path, strings.NewReader(text))
	assert.NoError(t, err)
	r.Close = true
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+p.Token)
	got, err := http.DefaultTransport.RoundTrip(r)
	assert.NoError(t, err)
	defer got.Body.Close()
	b, err := io.ReadAll(got.Body)
	assert.NoError(t, err)
	return got.StatusCode, string(b)
}

// What comes in is what goes out, and what some client could not read is refused: for HTTP
// and events alike.
func TestValues(t *testing.T) {
	app := apptest.New(t, nil)
	mina := app.Register(t, "Mina")
	c := mina.Dial(t, "/sync")
	subscribe(c, "v")
	version := int64(0)
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for _, test := range []struct {
		text, want string // "": refused
		status     int
	}{
		{`null`, `null`, 200},
		{`false`, `false`, 200},
		{`0`, `0`, 200},
		{`""`, `""`, 200},
		{` { "b" : 1 , "a" : [ ] } `, `{"b":1,"a":[]}`, 200},
		{`9007199254740993`, `9007199254740993`, 200}, // not a number of Go's or JavaScript's
		{`1e300`, `1e300`, 200},
		{`"까치🙂\u0000\ud800"`, `"까치🙂\u0000\ud800"`, 200},
		{`"` + strings.Repeat("x", 64<<10-2) + `"`, `"` + strings.Repeat("x", 64<<10-2) + `"`, 200},
		{nested(100), nested(100), 200},
		{`"` + strings.Repeat("x", 64<<10-1) + `"`, "", 413},
		{nested(101), "", 400},
		{nested(20_000), "", 400},
		{``, "", 400},
		{`{`, "", 400},
		{`{"a":1}}`, "", 400},
		{`undefined`, "", 400},
		{`[1e400]`, "", 400}, // Infinity, which is no JSON
		{"\"\xff\"", "", 400},
	} {
		name := test.text[:min(len(test.text), 30)]
		status, answer := put(t, app, mina, "/api/sync/v", test.text)
		assert.Equal(t, status, test.status, name, answer)
		if test.want == "" {
			assert.True(t, strings.HasPrefix(answer, `{"status":"error","code":"`) && !strings.Contains(answer, "internal"), name, answer)
			continue
		}
		version++
		assert.Equal(t, told(t, c).String(), fmt.Sprintf("v=%s@%d", test.want, version))
		if len(test.text) < 64<<10 {
			assert.Equal(t, update(c, "v", json.RawMessage(test.text), version).Code, "", name)
			version++
			assert.Equal(t, told(t, c).String(), fmt.Sprintf("v=%s@%d", test.want, version))
		}
	}
	for _, in := range []string{
		`{"key":"v","value":1}`, `{"key":"v","version":1}`, `{"value":1,"version":1}`, `{"key":"v","value":1,"version":-1}`,
		`{"key":"v","value":1,"version":1.5}`, `{"key":"v","value":1,"version":"1"}`, `{"key":"v","value":` + nested(101) + `,"version":1}`,
		`{"key":"v","value":1,"version":1,"more":1}`, `{"key":"v","value":1e400,"version":1}`, `[]`, `null`, `"v"`, `{"key":"v","value":"` + strings.Repeat("x", 64<<10) + `","version":1}`,
	} {
		var answer failure
		c.Ask(&answer, "updateData", json.RawMessage(in))
		assert.True(t, answer.Code == "invalid" || answer.Code == "bad_request", in[:min(len(in), 60)], answer.Code)
	}
	c.ExpectNothing()
}

func TestKeys(t *testing.T) {
	app := apptest.New(t, nil)
	mina, jun := app.Register(t, "Mina"), app.Register(t, "Jun")
	c := mina.Dial(t, "/sync")
	code := func(event, key string) string {
		var answer failure
		c.Ask(&answer, event, body{"key": key})
		return answer.Code
	}
	for _, key := range []string{"", "/", "a/", "/a", "a//b", ".", "..", "a/../b", "a/.", "a b", "a\x00", "까치", "a%2Fb", "a\\b", "a?b", strings.Repeat("k", 129)} {
		assert.Equal(t, code("subscribe", key), "invalid", key)
		assert.Equal(t, code("unsubscribe", key), "invalid", key)
		assert.Equal(t, update(c, key, 1, 0).Code, "invalid", key)
	}
	for _, key := range []string{"a", "A", "a/b/c", "...", ".a", "user", "users/1/x", strings.Repeat("k", 128)} {
		assert.Equal(t, code("subscribe", key), "", key)
	}
	mina.Call(t, 200, "PUT", "/api/sync/a%2Fb", 1, nil) // as encodeURIComponent has it
	mina.Call(t, 200, "GET", "/api/sync/a/b", nil, nil)
	mina.Refused(t, 400, "invalid", "GET", "/api/sync/a%20b", nil)
	mina.Refused(t, 400, "invalid", "GET", "/api/sync/a%2F..%2Fb", nil)

	// What is a person's own is not there for others, administrators included (the first
	// account is one).
	own := "user/" + jun.ID.String() + "/draft"
	d := jun.Dial(t, "/sync")
	assert.Equal(t, subscribe(d, own).Version, int64(0))
	for _, key := range []string{own, own + "/x", "user/99/x", "user/0/x", "user/x/y", "user/" + mina.ID.String(), "user/0" + mina.ID.String() + "/x"} {
		assert.Equal(t, code("subscribe", key), "not_found", key)
		assert.Equal(t, update(c, key, 1, 0).Code, "not_found", key)
		for _, method := range []string{"GET", "PUT", "DELETE"} {
			mina.Refused(t, 404, "not_found", method, "/api/sync/"+key, map[string]any{"PUT": 1}[method])
		}
	}
	assert.Equal(t, update(d, own, "secret", 0).Version, int64(1))
	assert.Equal(t, told(t, d).String(), own+`="secret"@1`)
	assert.Equal(t, code("subscribe", own), "not_found")
	c.Ask(nil, "unsubscribe", body{"key": own})
	assert.Equal(t, code("subscribe", "user/"+mina.ID.String()+"/x"), "")
	c.ExpectNothing()
}

func TestASocketSubscribesToAHundredDocuments(t *testing.T) {
	app := apptest.New(t, nil)
	c := app.Register(t, "Mina").Dial(t, "/sync")
	code := func(i int) string {
		var answer failure
		c.Ask(&answer, "subscribe", body{"key": fmt.Sprint("k/", i)})
		return answer.Code
	}
	for i := range 100 {
		assert.Equal(t, code(i), "")
	}
	assert.Equal(t, code(100), "too_many_subscriptions")
	assert.Equal(t, code(7), "", "one that is there already")
	c.Emit("unsubscribe", body{"key": "k/8"})
	assert.Equal(t, code(100), "")
	assert.Equal(t, code(8), "too_many_subscriptions")
}

// A client that goes away between two changes is nobody's business.
func TestAClientThatIsGoneIsNotTold(t *testing.T) {
	app := apptest.New(t, nil)
	mina := app.Register(t, "Mina")
	reader, writer := mina.Dial(t, "/sync"), mina.Dial(t, "/sync")
	subscribe(reader, "k")
	subscribe(writer, "k")
	for i := range int64(50) {
		if i == 25 {
			reader.Close()
		}
		assert.Equal(t, update(writer, "k", i, i).Version, i+1)
		assert.Equal(t, told(t, writer).Version, i+1)
	}
	back := mina.Dial(t, "/sync")
	assert.Equal(t, subscribe(back, "k").Version, int64(50))
}

// The real client, in Node.
func TestSocketIOClient(t *testing.T) {
	app := apptest.New(t, nil)
	mina, jun := app.Register(t, "Mina"), app.Register(t, "Jun")
	given, err := json.Marshal(map[string]any{"url": app.URL, "mina": mina.Token, "jun": jun.Token, "junID": jun.ID})
	assert.NoError(t, err)
	nodetest.Checks(t, "app/sync.mjs", nil, "KACHI_GIVEN="+string(given))
}
