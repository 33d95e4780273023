package main

import (
	"context"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/cmd/kachi/connect"
	"github.com/kachi-io/kachi/internal/assert"
)

func TestConnectScript(t *testing.T) {
	egg := filepath.Join(t.TempDir(), "egg.png")
	assert.NoError(t, os.WriteFile(egg, []byte("hello"), 0o600))
	script := `# What a script can do.
emit echo {"a": 1.50} word ` + "@" + egg + `
wait echoed
ask echo 1 "two" 까치
ask failing
volatile echo lightly
wait echoed 10s
emit inquire ready "?"
wait ready
answer 1 {"yes":true} 5
wait answered
answer 1
sleep 1ms

join /chat
ask echo there
use /
status
leave /chat
frobnicate
emit echo {bad
quit
emit echo never
`
	for _, p := range peers(t) {
		for _, transport := range []string{"", "--transport=polling", "--transport=websocket"} {
			t.Run(p.name+transport, func(t *testing.T) {
				args := []string{p.url, "--json"}
				if transport != "" {
					args = append(args, transport)
				}
				o := connectTo(t, script, args...)
				assert.Equal(t, o.code, 1) // for the lines that failed
				assert.Equal(t, o.err, "")
				all := o.lines(t)
				assert.Equal(t, summary(all), []string{
					"connect /", `event / echoed [{"a":1.5},"word",{"base64":"aGVsbG8="}]`,
					`answer / echo [1,"two","까치"]`,
					`answer / failing [{"cause":{"pattern":"failing"},"code":"conflict","details":{"version":3},"message":"no","status":"error"}] conflict`,
					`event / echoed ["lightly"]`, `event / ready ["?"] #1`, `event / answered [{"yes":true},5]`,
					"error no_question", "connect /chat", `answer /chat echo ["there"]`, "status", "disconnect /chat io client disconnect",
					"error syntax 1", "error syntax 12",
				})
				for _, a := range find(all, "answer") {
					assert.True(t, a.MS > 0, "how long it took")
				}
				status := find(all, "status")[0]
				assert.Equal(t, status.URL, p.url)
				assert.Equal(t, len(status.Sockets), 2)
				assert.Equal(t, status.Sockets[0]["current"], any(true))
				assert.Equal(t, status.Sockets[1]["state"], any("connected"))
				if transport != "" {
					assert.Equal(t, status.Transport, strings.TrimPrefix(transport, "--transport="))
				}
			})
		}
	}
}

// summary is the lines without what differs from run to run.
func summary(all []line) (s []string) {
	for _, l := range all {
		parts := []string{l.Type}
		for _, part := range []string{l.Namespace, l.Event} {
			if part != "" {
				parts = append(parts, part)
			}
		}
		if l.Args != nil {
			parts = append(parts, quote(l.Args))
		}
		for _, part := range []string{l.Reason, l.Code} {
			if part != "" {
				parts = append(parts, part)
			}
		}
		if l.ID > 0 {
			parts = append(parts, "#"+quote(l.ID))
		}
		if l.Column > 0 {
			parts = append(parts, quote(l.Column))
		}
		s = append(s, strings.Join(parts, " "))
	}
	return s
}

// varying is what differs from run to run in the words for people.
var varying = regexp.MustCompile(`id [\w-]{20}|after [0-9.]+ m?s|http://127\.0\.0\.1:\d+`)

func TestConnectOnce(t *testing.T) {
	for _, p := range peers(t) {
		t.Run(p.name, func(t *testing.T) {
			o := connectTo(t, "emit echo never", p.url+"/chat", "--transport", "websocket",
				"--emit", "echo first", "--ask", `echo {"a":[1,2]}`, "--emit=echo second", "--ask", "echo last")
			assert.Equal(t, o.code, 0, o.err)
			assert.Equal(t, varying.ReplaceAllString(o.err, "…"), "Connected to …, namespace /chat (websocket, …).\n")
			var answers []string
			for text := range strings.Lines(varying.ReplaceAllString(o.out, "…")) {
				if strings.HasPrefix(text, "← answer") {
					answers = append(answers, text)
				} else { // these come beside the answers
					assert.True(t, text == "← echoed \"first\"\n" || text == "← echoed \"second\"\n", text)
				}
			}
			assert.Equal(t, answers, []string{"← answer to echo …: {\"a\":[1,2]}\n", "← answer to echo …: \"last\"\n"})
		})
	}
}

func TestConnectCodes(t *testing.T) {
	host := httptest.NewServer(kachiServer(t, nil))
	defer host.Close()
	for _, test := range []struct {
		name, input string
		args        []string
		code        int
		want        []string
		unordered   string
	}{
		{name: "an empty script", want: []string{"connect /"}},
		{name: "an answer", args: []string{"--ask", "echo 1"}, want: []string{"connect /", "answer / echo [1]"}},
		{name: "an error as answer", args: []string{"--ask", "failing", "--ask", "echo 1"}, code: 1,
			want: []string{"connect /", "answer / failing conflict", "answer / echo [1]"}},
		{name: "exit on error", args: []string{"--ask", "failing", "--ask", "echo 1", "--exit-on-error"}, code: 1,
			want: []string{"connect /", "answer / failing conflict"}},
		{name: "no answer", args: []string{"--ask", "silent", "--ack-timeout", "50ms"}, code: 1,
			want: []string{"connect /", "error timeout"}},
		{name: "the connection is lost meanwhile", args: []string{"--ask", "kick"}, code: 1,
			want: []string{"connect /", "error disconnected"}, unordered: "disconnect"},
		{name: "a reserved name", args: []string{"--emit", "disconnect"}, code: 1, want: []string{"connect /", "error reserved"}},
		{name: "a line too many", input: "ask failing\nask echo 1", args: []string{"--exit-on-error"}, code: 1,
			want: []string{"connect /", "answer / failing conflict"}},
		{name: "waiting in vain", input: "wait news 10ms", code: 1, want: []string{"connect /", "error timeout"}},
		{name: "dropped", input: "disconnect\nvolatile echo", code: 1,
			want: []string{"connect /", "disconnect / io client disconnect", "error dropped"}},
		{name: "put out", input: "emit kick", args: []string{"--wait", "forever"}, code: 1,
			want: []string{"connect /", "disconnect / io server disconnect"}},
		{name: "lost, for good", input: "emit close", args: []string{"--wait", "forever", "--no-reconnect"}, code: 1,
			want: []string{"connect /", "disconnect / transport close"}},
		{name: "not joined", input: "use /chat\nleave /chat", code: 1,
			want: []string{"connect /", "error not_joined", "error not_joined"}},
		{name: "leaving and coming back", input: "disconnect\nconnect\nask echo 1",
			want: []string{"connect /", "disconnect / io client disconnect", "connect /", "answer / echo [1]"}},
		{name: "sent when connected", input: "disconnect\nemit echo 1\nconnect\nwait echoed",
			want: []string{"connect /", "disconnect / io client disconnect", "note", "connect /", "event / echoed [1]"}},
		{name: "refused", args: []string{"/refusing"}, code: 1, want: []string{"connect_error /refusing forbidden"}},
		{name: "admitted", args: []string{"/refusing", "--token", "secret"}, want: []string{"connect /refusing"}},
		{name: "refused, then admitted", input: "join /refusing\nuse /refusing\nauth {\"token\":\"secret\"}\nconnect\nask echo 1", code: 1,
			want: []string{"connect /", "connect_error /refusing forbidden", "connect /refusing", "answer /refusing echo [1]"}},
		{name: "joining with auth", input: `join /refusing {"token":"secret"}`, want: []string{"connect /", "connect /refusing"}},
		{name: "a namespace that does not answer", input: "join /slow\nask echo 1", args: []string{"--timeout=1s"}, code: 1,
			want: []string{"connect /", "connect_error /slow timeout", "answer / echo [1]"}},
		{name: "no such namespace", args: []string{"/none"}, code: 1, want: []string{"connect_error /none invalid_namespace"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := connectTo(t, test.input, append([]string{host.URL, "--json", "--transport=websocket"}, test.args...)...)
			assert.Equal(t, o.code, test.code, o.err)
			all := o.lines(t)
			for i := range all {
				if all[i].Event == "failing" {
					all[i].Args = nil
				}
			}
			if test.unordered != "" { // the one or the other comes first, or does not come any more
				all = slices.DeleteFunc(all, func(l line) bool { return l.Type == test.unordered })
			}
			assert.Equal(t, summary(all), test.want)
		})
	}
}

// Ctrl-C, or the end of a service, while it listens.
func TestConnectListensUntilInterrupted(t *testing.T) {
	host := httptest.NewServer(kachiServer(t, nil))
	defer host.Close()
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	var out lockedBuffer
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"connect", host.URL, "--json", "--wait", "forever", "--emit", "echo 1"},
			connect.Streams{In: strings.NewReader(""), Out: &out, Err: &out})
	}()
	assert.Eventually(t, func() bool { return strings.Contains(out.String(), `"event":"echoed"`) }, "it listens")
	interrupt()
	assert.Equal(t, assert.Receive(t, ended), 0, out.String())
	assert.Equal(t, summary(outcome{out: out.String()}.lines(t)), []string{"connect /", "event / echoed [1]"})
}

func TestConnectFlagsReachTheServer(t *testing.T) {
	for _, p := range peers(t) {
		for _, transport := range []string{"polling", "websocket"} {
			t.Run(p.name+" "+transport, func(t *testing.T) {
				o := connectTo(t, "ask who", p.url+"/?from=url", "--json", "--transport", transport,
					"--auth", `{"a":{"b":1},"token":"x"}`, "--auth", "room=5=6, 7", "--token", "secret",
					"-H", "X-Tenant: nest, box", "-H", "Cookie:a=b", "-q", "v=1&2", "--query=w=")
				assert.Equal(t, o.code, 0, o.out, o.err)
				who := find(o.lines(t), "answer")[0].Args[0].(map[string]any)
				assert.Equal(t, quote(who["auth"]), `{"a":{"b":1},"room":"5=6, 7","token":"secret"}`)
				assert.Equal(t, who["transport"], any(transport))
				query, headers := who["query"].(map[string]any), who["headers"].(map[string]any)
				assert.Equal(t, []any{query["v"], query["w"], query["from"]}, []any{"1&2", "", "url"})
				assert.Equal(t, []any{headers["x-tenant"], headers["cookie"]}, []any{"nest, box", "a=b"})
			})
		}
	}
}

func TestConnectWithMessagePack(t *testing.T) {
	host := httptest.NewServer(kachiServer(t, nil))
	defer host.Close()
	o := connectTo(t, "", host.URL, "--json", "--path", "/msgpack", "--encoding", "msgpack", "--ask", `echo {"a":[1,"까치"]}`)
	assert.Equal(t, o.code, 0, o.out)
	assert.Equal(t, summary(o.lines(t)), []string{"connect /", `answer / echo [{"a":[1,"까치"]}]`})

	o = connectTo(t, "", host.URL, "--path", "/msgpack", "--no-reconnect", "--timeout", "2s")
	assert.Equal(t, o.code, 1)
	assert.True(t, strings.Contains(o.err, "--encoding"), o.err)
}

// A server that goes away and comes back.
func TestConnectComesBack(t *testing.T) {
	host := httptest.NewServer(kachiServer(t, nil))
	defer host.Close()
	o := connectTo(t, "wait welcome\nemit close\nwait welcome\nask echo 1\n", host.URL+"/greeting", "--json", "--transport=websocket")
	all := o.lines(t)
	assert.Equal(t, summary(all), []string{
		"connect /greeting", `event /greeting welcome []`, "disconnect /greeting transport close", "reconnecting",
		"connect /greeting", `event /greeting welcome []`, `answer /greeting echo [1]`,
	})
	assert.Equal(t, find(all, "reconnecting")[0].Attempt, 1)
	assert.True(t, find(all, "reconnecting")[0].MS > 0)
}

// A server that is away for a while: each attempt is told of, in order.
func TestConnectKeepsTrying(t *testing.T) {
	handler, srv := stoppable(t, nil)
	host := httptest.NewServer(handler)
	in, script := io.Pipe()
	var out lockedBuffer
	ended := make(chan int, 1)
	go func() {
		ended <- run(t.Context(), []string{"connect", host.URL, "--json", "--transport=websocket"},
			connect.Streams{In: in, Out: &out, Err: &out})
	}()
	says := func(text string) {
		assert.Eventually(t, func() bool { return strings.Contains(out.String(), text) }, text)
	}
	says(`"type":"connect"`)
	host.Listener.Close()
	assert.NoError(t, srv.Shutdown(t.Context()))
	says(`"attempt":2`)
	again := startAt(t, host.Listener.Addr().String())
	defer again.Close()
	_, err := io.WriteString(script, "ask echo 1\n")
	assert.NoError(t, err)
	says(`"type":"answer"`)
	assert.NoError(t, script.Close())
	assert.Equal(t, assert.Receive(t, ended), 0)

	all := summary(outcome{out: out.String()}.lines(t))
	assert.Equal(t, all[:5], []string{"connect /", "disconnect / transport close", "reconnecting", "connect_error / unreachable", "reconnecting"})
	last := all[len(all)-2:]
	slices.Sort(last) // an answer does not wait for what is told of the connection
	assert.Equal(t, last, []string{"answer / echo [1]", "connect /"})
	for i, l := range all[5 : len(all)-2] {
		assert.Equal(t, l, []string{"connect_error / unreachable", "reconnecting"}[i%2])
	}
}

// startAt starts a server on an address that was another's.
func startAt(t *testing.T, addr string) *httptest.Server {
	t.Helper()
	var l net.Listener
	assert.Eventually(t, func() bool {
		var err error
		l, err = net.Listen("tcp", addr)
		return err == nil
	}, "the address is free")
	host := httptest.NewUnstartedServer(kachiServer(t, nil))
	host.Listener.Close()
	host.Listener = l
	host.Start()
	return host
}

func TestConnectMistakes(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{args: nil, want: "expected"},
		{args: []string{"ftp://example.com"}, want: "begins with ftp://"},
		{args: []string{"localhost:1", "--transport", "pigeon"}, want: `unknown transport "pigeon"`},
		{args: []string{"localhost:1", "--encoding", "xml"}, want: `--encoding: there is no "xml", but json, msgpack`},
		{args: []string{"localhost:1", "--auth", "{a}"}, want: "it is not JSON"},
		{args: []string{"localhost:1", "--auth", "secret"}, want: "write it as a JSON object, or as name=value"},
		{args: []string{"localhost:1", "-H", "nonsense"}, want: "write it as 'Name: value'"},
		{args: []string{"localhost:1", "-q", "nonsense"}, want: "write it as name=value"},
		{args: []string{"localhost:1", "--ca", "/nowhere"}, want: "--ca: open /nowhere"},
		{args: []string{"localhost:1", "--ca", "main.go"}, want: "holds no certificate"},
		{args: []string{"localhost:1", "--proxy", "localhost"}, want: "--proxy is not of the form"},
		{args: []string{"localhost:1", "--timeout", "0s"}, want: "must be above zero"},
		{args: []string{"localhost:1", "--wait", "long"}, want: `--wait "long" is no duration`},
		{args: []string{"localhost:1", "--emit", "news {"}, want: "--emit news {: argument 1 is not JSON: it does not end"},
		{args: []string{"localhost:1", "--ask", "news @/nowhere"}, want: "no such file"},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			o := connectTo(t, "", test.args...)
			assert.Equal(t, o.code, 2, o.err)
			assert.True(t, strings.Contains(o.err, test.want), o.err)
			assert.Equal(t, o.out, "")
		})
	}
}

func TestConnectHelp(t *testing.T) {
	o := connectTo(t, "", "--help")
	assert.Equal(t, o.code, 0)
	for _, want := range []string{"Examples:", "Exit codes:", "--ask='EVENT ARG…'", "connect_error"} {
		assert.True(t, strings.Contains(o.out, want), o.out)
	}
}
