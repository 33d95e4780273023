package connect

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/kachi-io/kachi/client"
)

// verb is a command of a line.
type verb struct {
	name  string
	usage string
	help  string
	parse func(*words, *step) error
	run   func(context.Context, *session, *step) error
	// apart tells that who types goes on typing while it runs.
	apart bool
}

// verbs are all commands, in the order in which help shows them.
var verbs []*verb

func init() {
	verbs = []*verb{
		{name: "emit", usage: "EVENT [ARG…]", help: "send an event", parse: parseEvent, run: emit},
		{name: "ask", usage: "EVENT [ARG…]", help: "send an event and show its acknowledgement", parse: parseEvent, run: ask, apart: true},
		{name: "volatile", usage: "EVENT [ARG…]", help: "send an event that may get lost", parse: parseEvent, run: volatile},
		{name: "answer", usage: "N [ARG…]", help: "answer question N of the server", parse: parseAnswer, run: answer},
		{name: "wait", usage: "EVENT [TIME]", help: "wait for the event, 30s at most; one that came and was not waited for counts", parse: parseWait, run: wait},
		{name: "sleep", usage: "TIME", help: "do nothing for a while: 500ms, 2s, 1m", parse: parseSleep, run: sleep},
		{name: "join", usage: "/NAMESPACE [AUTH]", help: "join a namespace as well, and use it", parse: parseJoin, run: join},
		{name: "leave", usage: "/NAMESPACE", help: "leave a namespace", parse: parseNamespace, run: leave},
		{name: "use", usage: "/NAMESPACE", help: "send to this one of the joined namespaces from now on", parse: parseNamespace, run: use},
		{name: "auth", usage: "JSON", help: "show this auth to the current namespace from its next connect on", parse: parseAuth, run: setAuth},
		{name: "connect", help: "connect to the current namespace", parse: parseNothing, run: connect},
		{name: "disconnect", help: "disconnect from the current namespace", parse: parseNothing, run: disconnect},
		{name: "status", help: "show the connection and its namespaces (also: sockets)", parse: parseNothing, run: status},
		{name: "help", usage: "[COMMAND]", help: "show this", parse: parseHelp, run: help},
		{name: "quit", help: "end (also: exit, Ctrl-D)", parse: parseNothing, run: quit},
	}
}

var aliases = map[string]string{"sockets": "status", "exit": "quit"}

func verbOf(name string) *verb {
	if full, ok := aliases[name]; ok {
		name = full
	}
	for _, v := range verbs {
		if v.name == name {
			return v
		}
	}
	return nil
}

func emit(_ context.Context, s *session, st *step) error {
	m := s.member()
	s.saw(m.namespace(), st.event)
	if err := m.socket.Emit(st.event, st.args...); err != nil {
		return s.sending(st, err)
	}
	if !m.socket.Connected() {
		s.note("Not connected: it is sent when " + m.namespace() + " is.")
	}
	return nil
}

func volatile(_ context.Context, s *session, st *step) error {
	m := s.member()
	s.saw(m.namespace(), st.event)
	return s.sending(st, m.socket.Volatile().Emit(st.event, st.args...))
}

func ask(ctx context.Context, s *session, st *step) error {
	m := s.member()
	s.saw(m.namespace(), st.event)
	begin := time.Now()
	args, err := m.socket.Ask(ctx, st.event, st.args...)
	if err != nil {
		return s.sending(st, err)
	}
	r := record{kind: kindAnswer, namespace: m.namespace(), event: st.event, args: args, lasted: max(time.Since(begin), time.Microsecond)}
	if failure := errorAnswer(args); failure != nil {
		r.code, r.message = failure.Code, failure.Message
		s.out.print(r)
		return errShown
	}
	s.out.print(r)
	return nil
}

func answer(_ context.Context, s *session, st *step) error {
	e := s.question(st.number)
	if e == nil {
		return failed("no_question", "there is no question %d, or it has been answered", st.number)
	}
	return s.sending(st, e.Ack(st.args...))
}

// waitFor is how long wait waits.
const waitFor = 30 * time.Second

func wait(ctx context.Context, s *session, st *step) error {
	if st.duration == 0 {
		st.duration = waitFor
	}
	m := s.member()
	limited, cancel := context.WithTimeout(ctx, st.duration)
	defer cancel()
	if s.seen.take(limited, m.namespace(), st.event) {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return failed("timeout", "%s has not come in %s", eventName(st.event), st.duration)
}

func sleep(ctx context.Context, _ *session, st *step) error {
	timer := time.NewTimer(st.duration)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func join(ctx context.Context, s *session, st *step) error {
	m, err := s.join(st.namespace)
	if err != nil {
		return err
	}
	if st.auth != nil {
		m.auth.Store(&st.auth)
	}
	if err := m.open(ctx); err != nil {
		return err
	}
	s.use(st.namespace)
	return nil
}

func leave(ctx context.Context, s *session, st *step) error {
	m := s.joined(st.namespace)
	if m == nil {
		return s.notJoined(st)
	}
	return m.close(ctx)
}

func use(_ context.Context, s *session, st *step) error {
	if s.joined(st.namespace) == nil {
		return s.notJoined(st)
	}
	s.use(st.namespace)
	return nil
}

func (s *session) notJoined(st *step) error {
	return failed("not_joined", "%s has not been joined: join %[1]s", escape(st.namespace))
}

func setAuth(_ context.Context, s *session, st *step) error {
	m := s.member()
	m.auth.Store(&st.auth)
	if m.socket.State() != client.StateIdle {
		s.note("It is shown at the next connect: disconnect, then connect.")
	}
	return nil
}

func connect(ctx context.Context, s *session, _ *step) error {
	m := s.member()
	if m.socket.Connected() {
		s.note("It is connected.")
		return nil
	}
	return m.open(ctx)
}

func disconnect(ctx context.Context, s *session, _ *step) error {
	m := s.member()
	if m.socket.State() == client.StateIdle {
		s.note("It is not connected.")
		return nil
	}
	return m.close(ctx)
}

func status(_ context.Context, s *session, _ *step) error {
	s.out.print(s.status())
	return nil
}

func quit(context.Context, *session, *step) error { return errQuit }

const helpArgs = `
Arguments are JSON values with space between them: emit message {"room":"nest"} 5 true
What is no JSON is a string: emit hello Mina 'in the nest' "a \"quoted\" one"
Pasted JSON may have several lines. @photo.png is the file's bytes. Lines that begin with # are comments.
TAB completes commands and events, the arrow keys bring back earlier lines.`

func help(_ context.Context, s *session, st *step) error {
	var b strings.Builder
	for _, v := range verbs {
		if st.topic == "" || v == verbOf(st.topic) {
			fmt.Fprintf(&b, "  %-24s %s\n", strings.TrimSpace(v.name+" "+v.usage), v.help)
		}
	}
	if st.topic == "" {
		b.WriteString(helpArgs)
	}
	s.note(strings.TrimRight(b.String(), "\n"))
	return nil
}

// failed is the error of a line that could be read and did not work.
func failed(code, format string, args ...any) error {
	return &lineError{at: -1, code: code, message: fmt.Sprintf(format, args...)}
}

// errorAnswer returns the error that an acknowledgement holds: one in the form of this
// project and of others, {"status":"error","message":…}. nil if it holds none.
func errorAnswer(args interface {
	Len() int
	DecodeAt(int, any) error
}) *client.Error {
	var body struct {
		Status string
		client.Error
	}
	var raw json.RawMessage
	if args.Len() == 0 || args.DecodeAt(0, &raw) != nil || len(raw) == 0 || raw[0] != '{' ||
		json.Unmarshal(raw, &body) != nil || body.Status != "error" {
		return nil
	}
	if body.Code == "" {
		body.Code = "error"
	}
	return &body.Error
}
