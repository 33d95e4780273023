package history_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
	. "github.com/kachi-io/kachi/internal/history"
)

// lived is a client that joins a namespace, does what is between, and stays to the end.
func lived(between ...Entry) []Entry {
	h := slices.Concat(begin(1, "a"), between)
	return append(h, Entry{Kind: Settled}, Entry{Kind: Alive, Socket: "a", Namespace: "/", Rooms: []string{"a"}})
}

func begin(conn int, socket string) []Entry {
	return []Entry{
		{Kind: Asked, Conn: conn},
		{Kind: Connected, Conn: conn, Socket: socket},
		{Kind: Greeting, Socket: socket},
		{Kind: Greeted, Socket: socket},
		{Kind: Admitted, Conn: conn, Socket: socket},
	}
}

func ended(socket, reason string, rooms ...string) []Entry {
	return []Entry{
		{Kind: Disconnecting, Socket: socket, Reason: reason, Rooms: append([]string{socket}, rooms...)},
		{Kind: Disconnected, Socket: socket, Reason: reason},
		{Kind: Closed, Socket: socket, Reason: reason},
	}
}

func emit(id int, socket string, err Fault) []Entry {
	return []Entry{{Kind: Sending, ID: id, Socket: socket}, {Kind: SendDone, ID: id, Err: err}}
}

func cast(id int, rooms ...string) []Entry {
	return []Entry{{Kind: Sending, ID: id, Rooms: rooms}, {Kind: SendDone, ID: id}}
}

func got(conn int, socket string, ids ...int) (all []Entry) {
	for _, id := range ids {
		all = append(all, Entry{Kind: Got, Conn: conn, Socket: socket, ID: id})
	}
	return all
}

func change(kind Kind, id int, socket, room string) []Entry {
	return []Entry{{Kind: kind, ID: id, Socket: socket, Rooms: []string{room}}, {Kind: kind + 1, ID: id}}
}

func handled(socket string, ids ...int) (all []Entry) {
	for _, id := range ids {
		all = append(all, Entry{Kind: Handling, Socket: socket, ID: id}, Entry{Kind: Handled, Socket: socket, ID: id})
	}
	return all
}

func sent(id int, want bool) Entry {
	return Entry{Kind: Sent, Conn: 1, Socket: "a", ID: id, Want: want}
}

func acking(text string, faults ...Fault) (all []Entry) {
	for _, f := range faults {
		all = append(all, Entry{Kind: Acking, Socket: "a", ID: 1, Text: text}, Entry{Kind: AckDone, Socket: "a", ID: 1, Err: f})
	}
	return all
}

func question(timeout time.Duration) Entry {
	return Entry{Kind: Sending, ID: 1, Socket: "a", Question: true, Timeout: timeout}
}

var of = slices.Concat[[]Entry]

func TestJudge(t *testing.T) {
	for _, row := range []struct {
		name    string
		history []Entry
		want    string // of a violation; empty: there is none
	}{
		{"what was sent arrives", lived(of(emit(1, "a", OK), got(1, "a", 1))...), ""},
		{"lost", lived(emit(1, "a", OK)...), "Loss (client 1): #1 never arrived"},
		{"refused", lived(emit(1, "a", ErrSlow)...), ""},
		{"refused and sent", lived(of(emit(1, "a", ErrClosed), got(1, "a", 1))...), "Errors of sending (client 1): #1 arrived"},
		{"twice", lived(of(emit(1, "a", OK), got(1, "a", 1, 1))...), "Duplicates"},
		{"never sent", lived(got(1, "a", 1)...), "which was not sent"},
		{"swapped", lived(of(emit(1, "a", OK), emit(2, "a", OK), got(1, "a", 2, 1))...), "Order (client 1): got #1 after #2"},
		{"at the same time, any order", lived(
			Entry{Kind: Sending, ID: 1, Socket: "a"}, Entry{Kind: Sending, ID: 2, Socket: "a"},
			Entry{Kind: SendDone, ID: 1}, Entry{Kind: SendDone, ID: 2},
			Entry{Kind: Got, Conn: 1, Socket: "a", ID: 2}, Entry{Kind: Got, Conn: 1, Socket: "a", ID: 1}), ""},
		{"for somebody else", of(begin(2, "b"), lived(of(emit(1, "b", OK), got(1, "a", 1))...)), "reached a socket that it was not meant for"},
		{"before CONNECT's answer", []Entry{{Kind: Asked, Conn: 1}, {Kind: Sending, ID: 1}, {Kind: Got, Conn: 1, ID: 1}}, "Admission (client 1): got #1 before"},
		{"admitted twice", lived(Entry{Kind: Admitted, Conn: 1, Socket: "b"}), "answered twice"},
		{"never answered", lived(Entry{Kind: Asked, Conn: 1, Namespace: "/x"}), "CONNECT to /x was not answered"},
		{"after DISCONNECT", of(begin(1, "a"), emit(1, "a", OK), []Entry{{Kind: Dismissed, Conn: 1}}, got(1, "a", 1)), "Nothing after the end (client 1)"},
		{"DISCONNECT twice", of(begin(1, "a"), []Entry{{Kind: Dismissed, Conn: 1}, {Kind: Dismissed, Conn: 1}}), "which the client is not in"},
		{"sent after OnDisconnecting", of(begin(1, "a"), []Entry{{Kind: Left, Conn: 1}}, ended("a", "client namespace disconnect"),
			emit(1, "a", OK), got(1, "a", 1)), "sent after OnDisconnecting"},
		{"a gap behind which something arrived", of(begin(1, "a"), emit(1, "a", OK), emit(2, "a", OK), got(1, "a", 2),
			[]Entry{{Kind: HungUp, Conn: 1}}), "Loss (client 1): #1"},
		{"lost with the connection", of(begin(1, "a"), emit(1, "a", OK), emit(2, "a", OK), got(1, "a", 1),
			[]Entry{{Kind: HungUp, Conn: 1}}), ""},
		{"lost before the server disconnected it", of(begin(1, "a"), emit(1, "a", OK), []Entry{{Kind: Ending, Socket: "a"}},
			ended("a", "server namespace disconnect"), []Entry{{Kind: Dismissed, Conn: 1}}), "Loss (client 1): #1"},

		{"to a member", lived(of(change(Joining, 9, "a", "r"), cast(1, "r"), got(1, "a", 1), change(Leaving, 10, "a", "r"))...), ""},
		{"not to a member", lived(of(change(Joining, 9, "a", "r"), cast(1, "r"), change(Leaving, 10, "a", "r"))...), "Loss"},
		{"to nobody's room", lived(of(cast(1, "r"), got(1, "a", 1))...), "not meant"},
		{"to who has left", lived(of(change(Joining, 9, "a", "r"), change(Leaving, 10, "a", "r"), cast(1, "r"), got(1, "a", 1))...), "not meant"},
		{"while it joins", lived(of([]Entry{{Kind: Joining, ID: 9, Socket: "a", Rooms: []string{"r"}}}, cast(1, "r"),
			[]Entry{{Kind: JoinDone, ID: 9}}, change(Leaving, 10, "a", "r"))...), ""},
		{"to who is excepted", lived(of([]Entry{{Kind: Sending, ID: 1, Except: []string{"a"}}, {Kind: SendDone, ID: 1}}, got(1, "a", 1))...), "not meant"},
		{"all join", lived(of([]Entry{{Kind: Joining, ID: 9, Rooms: []string{"r"}}, {Kind: JoinDone, ID: 9}}, cast(1, "r"), change(Leaving, 10, "a", "r"))...), "Loss"},
		{"all joined before it came", of([]Entry{{Kind: Joining, ID: 9, Rooms: []string{"r"}}, {Kind: JoinDone, ID: 9}}, lived(of(cast(1, "r"), got(1, "a", 1))...)), "not meant"},
		{"two orders of one room", of(begin(1, "a"), begin(2, "b"), change(Joining, 8, "a", "r"), change(Joining, 9, "b", "r"),
			[]Entry{{Kind: Sending, ID: 1, Rooms: []string{"r"}}, {Kind: Sending, ID: 2, Rooms: []string{"r", "s"}}},
			got(1, "a", 1, 2), got(2, "b", 2, 1)), "Order of a room"},
		{"two rooms, two orders", of(begin(1, "a"), begin(2, "b"),
			change(Joining, 6, "a", "r"), change(Joining, 7, "b", "r"), change(Joining, 8, "a", "s"), change(Joining, 9, "b", "s"),
			[]Entry{{Kind: Sending, ID: 1, Rooms: []string{"r"}}, {Kind: Sending, ID: 2, Rooms: []string{"s"}}},
			got(1, "a", 1, 2), got(2, "b", 2, 1)), ""},

		{"events in order", lived(of([]Entry{sent(1, false), sent(2, false)}, handled("a", 1, 2))...), ""},
		{"events swapped", lived(of([]Entry{sent(1, false), sent(2, false)}, handled("a", 2, 1))...), "#1 was handled after #2"},
		{"an event twice", lived(of([]Entry{sent(1, false)}, handled("a", 1, 1))...), "#1 was handled twice"},
		{"an event lost", lived(of([]Entry{sent(1, false), sent(2, false)}, handled("a", 2))...), "[1] were sent and not handled"},
		{"an event dropped", lived(of([]Entry{sent(1, false), sent(2, false), {Kind: Overloaded, Socket: "a"}}, handled("a", 2))...), ""},
		{"an event that nobody sent", lived(handled("a", 2)...), "#2 was handled, but not sent"},
		{"events overlap", lived(sent(1, false), sent(2, false), Entry{Kind: Handling, Socket: "a", ID: 1},
			Entry{Kind: Handling, Socket: "a", ID: 2}), "while another event is being handled"},
		{"an event after the end", of(begin(1, "a"), []Entry{sent(1, false), {Kind: Left, Conn: 1}},
			ended("a", "client namespace disconnect"), handled("a", 1)), `an event was handled after "closed"`},
		{"an event lost before an orderly end", of(begin(1, "a"), []Entry{sent(1, false), {Kind: Left, Conn: 1}},
			ended("a", "client namespace disconnect")), "[1] were sent and not handled"},

		{"acknowledged", lived(of([]Entry{sent(1, true)}, handled("a", 1), acking("x", OK),
			[]Entry{{Kind: Acked, Conn: 1, Socket: "a", ID: 1, Text: "x"}})...), ""},
		{"acknowledged twice", lived(of([]Entry{sent(1, true)}, handled("a", 1), acking("x", OK),
			[]Entry{{Kind: Acked, Conn: 1, Socket: "a", ID: 1, Text: "x"}, {Kind: Acked, Conn: 1, Socket: "a", ID: 1, Text: "x"}})...), "Duplicates"},
		{"acknowledged with something else", lived(of([]Entry{sent(1, true)}, handled("a", 1), acking("x", OK),
			[]Entry{{Kind: Acked, Conn: 1, Socket: "a", ID: 1, Text: "y"}})...), "which no handler said"},
		{"the acknowledgement is lost", lived(of([]Entry{sent(1, true)}, handled("a", 1), acking("x", OK))...), "the acknowledgement of #1 never arrived"},
		{"two answers succeed", lived(of([]Entry{sent(1, true)}, handled("a", 1), acking("x", OK, OK),
			[]Entry{{Kind: Acked, Conn: 1, Socket: "a", ID: 1, Text: "x"}})...), "2 calls of Ack succeeded"},
		{"acknowledged by nobody", lived(of([]Entry{sent(1, true)}, handled("a", 1),
			[]Entry{{Kind: Acked, Conn: 1, Socket: "a", ID: 1, Text: "x"}})...), "which was not sent"},

		{"asked", lived(question(time.Second), got(1, "a", 1)[0], Entry{Kind: Answered, Conn: 1, Socket: "a", ID: 1, Text: "x"},
			Entry{Kind: SendDone, ID: 1, Answers: []Answer{{"a", "x"}}}), ""},
		{"another answer", lived(question(time.Second), got(1, "a", 1)[0], Entry{Kind: Answered, Conn: 1, Socket: "a", ID: 1, Text: "x"},
			Entry{Kind: SendDone, ID: 1, Answers: []Answer{{"a", "y"}}}), `the answer is "y"`},
		{"an answer that nobody gave", lived(question(time.Second), got(1, "a", 1)[0],
			Entry{Kind: SendDone, ID: 1, Answers: []Answer{{"a", "y"}}}), "did not give"},
		{"two answers of one", lived(question(time.Second), got(1, "a", 1)[0], Entry{Kind: Answered, Conn: 1, Socket: "a", ID: 1, Text: "x"},
			Entry{Kind: SendDone, ID: 1, Answers: []Answer{{"a", "x"}, {"a", "x"}}}), "two answers"},
		{"timed out too early", lived(question(time.Hour), got(1, "a", 1)[0], Entry{Kind: SendDone, ID: 1, Err: ErrTimeout}), "timed out after"},
		{"timed out with an answer", lived(question(0), got(1, "a", 1)[0], Entry{Kind: SendDone, ID: 1, Err: ErrTimeout}), ""},
		{"closed, and is not", lived(question(time.Second), got(1, "a", 1)[0], Entry{Kind: SendDone, ID: 1, Err: ErrClosed}), "has not ended"},
		{"never returned", lived(question(time.Second), got(1, "a", 1)[0]), "has not returned"},

		{"a whole life", of(begin(1, "a"), []Entry{{Kind: Left, Conn: 1}}, ended("a", "client namespace disconnect"),
			[]Entry{{Kind: ShuttingDown}, {Kind: ShutDown}}), ""},
		{"OnConnect twice", of(begin(1, "a"), []Entry{{Kind: Greeting, Socket: "a"}}), `"greeting" after "greeted"`},
		{"OnDisconnect twice", of(begin(1, "a"), []Entry{{Kind: Left, Conn: 1}}, ended("a", "client namespace disconnect"),
			[]Entry{{Kind: Disconnected, Socket: "a", Reason: "client namespace disconnect"}}), `"disconnected" after "closed"`},
		{"no end", of(begin(1, "a"), []Entry{{Kind: ShuttingDown}, {Kind: ShutDown}}), `its life ends with "greeted"`},
		{"two reasons", of(begin(1, "a"), []Entry{{Kind: HungUp, Conn: 1}, {Kind: Disconnecting, Socket: "a", Reason: "transport close", Rooms: []string{"a"}},
			{Kind: Disconnected, Socket: "a", Reason: "ping timeout"}}), `"transport close" first, then "ping timeout"`},
		{"no reason", of(begin(1, "a"), ended("a", "ping timeout")), "for which there was no cause"},
		{"rooms at the end", of(begin(1, "a"), change(Joining, 9, "a", "r"), []Entry{{Kind: Left, Conn: 1}},
			ended("a", "client namespace disconnect")), `is not in "r", which it joined`},
		{"too many rooms at the end", of(begin(1, "a"), []Entry{{Kind: Left, Conn: 1}},
			ended("a", "client namespace disconnect", "r")), `is in "r", which it left or never joined`},
		{"forgotten", of(begin(1, "a"), []Entry{{Kind: Settled}}), "the server does not know it"},
		{"left behind", of(begin(1, "a"), []Entry{{Kind: HungUp, Conn: 1}, {Kind: Settled}, {Kind: Alive, Socket: "a", Rooms: []string{"a"}}}),
			"its socket is still there"},
	} {
		t.Run(row.name, func(t *testing.T) {
			found := Judge(ordered(row.history), Terms{Slack: time.Millisecond})
			if row.want == "" {
				assert.Equal(t, len(found), 0, "%v", found)
				return
			}
			ok := slices.ContainsFunc(found, func(v Violation) bool { return strings.Contains(v.String(), row.want) })
			assert.True(t, ok, "want %q, found %v", row.want, found)
		})
	}
}

// ordered numbers the entries. All happen at one moment.
func ordered(entries []Entry) []Entry {
	entries = slices.Clone(entries)
	for i := range entries {
		entries[i].Seq = i + 1
		if entries[i].Namespace == "" {
			entries[i].Namespace = "/"
		}
	}
	return entries
}

func TestVolatileMayBeLostWhereRoomIsScarce(t *testing.T) {
	h := ordered(lived(Entry{Kind: Sending, ID: 1, Socket: "a", Volatile: true}, Entry{Kind: SendDone, ID: 1}))
	assert.Equal(t, len(Judge(h, Terms{Scarce: true})), 0)
	assert.Equal(t, len(Judge(h, Terms{})), 1)
}

func TestExcerpt(t *testing.T) {
	h := ordered(of(begin(2, "b"), lived(of(emit(1, "a", OK), emit(2, "a", OK), emit(3, "b", OK), got(1, "a", 1), got(2, "b", 3))...)))
	found := slices.DeleteFunc(Judge(h, Terms{}), func(v Violation) bool { return v.Rule != "Loss" })
	assert.Equal(t, len(found), 1)
	var text []string
	for _, e := range Excerpt(h, found[0]) {
		text = append(text, strings.Join(strings.Fields(e.String())[2:], " "))
	}
	assert.Equal(t, text, []string{
		"asked c1 /", "connected c1 / socket a", "greeting / socket a", "greeted / socket a", "admitted c1 / socket a",
		"sending / socket a #2", "send done / #2", "settled /", "alive / socket a rooms a",
	})
}

func TestLog(t *testing.T) {
	l := NewLog()
	l.Add(Entry{Kind: Sent, ID: 7})
	l.Add(Entry{Kind: Got})
	entries := l.Entries()
	assert.Equal(t, len(entries), 2)
	assert.Equal(t, entries[0].Seq, 1)
	assert.True(t, entries[1].At >= entries[0].At)
}
