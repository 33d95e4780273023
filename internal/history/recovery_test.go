package history_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
	. "github.com/kachi-io/kachi/internal/history"
)

// came is a client that is admitted on a connection, with a session, to which it may have
// come back.
func came(conn int, socket, session string, back bool) []Entry {
	asked := Entry{Kind: Asked, Conn: conn}
	if back {
		asked.Session, asked.Socket = session, socket
	}
	return []Entry{
		asked,
		{Kind: Connected, Conn: conn, Socket: socket},
		{Kind: Greeting, Conn: conn, Socket: socket, Recovered: back, Rooms: []string{socket}},
		{Kind: Greeted, Conn: conn, Socket: socket},
		{Kind: Admitted, Conn: conn, Socket: socket, Session: session},
	}
}

// anew is one that shows a session and is given another.
func anew(conn int, shown, socket, session string) []Entry {
	h := came(conn, socket, session, false)
	h[0].Session = shown
	return slices.Insert(h, 1, Entry{Kind: NotRecovered, Conn: conn, Socket: socket})
}

// parted is a connection's end, as both sides see it.
func parted(conn int, socket, reason string, rooms ...string) []Entry {
	h := ended(socket, reason, rooms...)
	for i := range h {
		h[i].Conn = conn
	}
	return append([]Entry{{Kind: HungUp, Conn: conn}}, h...)
}

// stays is who is there at the end.
func stays(conn int, socket string, rooms ...string) []Entry {
	return []Entry{{Kind: Settled}, {Kind: Alive, Conn: conn, Socket: socket, Rooms: append([]string{socket}, rooms...)}}
}

// through sets the connection in what the server does with a socket.
func through(conn int, entries []Entry) []Entry {
	for i := range entries {
		if entries[i].Socket != "" {
			entries[i].Conn = conn
		}
	}
	return entries
}

func expired(socket, reason string, rooms ...string) Entry {
	return Entry{Kind: Expired, Socket: socket, Reason: reason, Rooms: append([]string{socket}, rooms...)}
}

func after(d time.Duration, entries ...Entry) []Entry {
	entries = slices.Clone(entries)
	for i := range entries {
		entries[i].At = d
	}
	return entries
}

func TestJudgeOfThoseWhoComeBack(t *testing.T) {
	const gone = "transport close"
	first := came(1, "a", "p", false)
	lost := parted(1, "a", gone)
	again := came(2, "a", "p", true)
	for _, row := range []struct {
		name    string
		history []Entry
		want    string // of a violation; empty: there is none
	}{
		{"what it missed comes", of(first, lost, cast(1), again, got(2, "a", 1), stays(2, "a")), ""},
		{"what was on its way comes", of(first, through(1, emit(1, "a", OK)), lost, again, got(2, "a", 1), stays(2, "a")), ""},
		{"what a slow consumer was sent comes", of(first, through(1, emit(1, "a", ErrSlow)), lost, again, got(2, "a", 1), stays(2, "a")), ""},
		{"missed, and lost", of(first, lost, cast(1), again, stays(2, "a")), "Loss (client 2): #1 never arrived"},
		{"sent to its id, and lost", of(first, lost, cast(1, "a"), again, stays(2, "a")), "#1 never arrived"},
		{"on its way, and lost", of(first, through(1, emit(1, "a", OK)), lost, again, stays(2, "a")), "#1 never arrived"},
		{"a gap in what it missed, and cut off again", of(first, lost, cast(1), cast(2), again, got(2, "a", 2),
			[]Entry{{Kind: HungUp, Conn: 2}}), "#1 never arrived"},
		{"cut off again, without a gap", of(first, lost, cast(1), cast(2), again, got(2, "a", 1), []Entry{{Kind: HungUp, Conn: 2}}), ""},
		{"twice, on two connections", of(first, cast(1), got(1, "a", 1), lost, again, got(2, "a", 1), stays(2, "a")),
			"Duplicates (client 2): #1 on connection 1, and again on 2"},
		{"missed ones swapped", of(first, lost, cast(1), cast(2), again, got(2, "a", 2, 1), stays(2, "a")), "#1 after #2"},
		{"live ahead of missed", of(first, lost, cast(1), again, cast(2), got(2, "a", 2, 1), stays(2, "a")), "#1 after #2"},
		{"one order of all", of(first, came(2, "b", "q", false), []Entry{{Kind: Sending, ID: 1}, {Kind: Sending, ID: 2}},
			[]Entry{{Kind: SendDone, ID: 1}, {Kind: SendDone, ID: 2}}, got(2, "b", 2, 1), got(1, "a", 1),
			lost, came(3, "a", "p", true), got(3, "a", 2)), "different orders"},
		{"refused, and sent when it came back", of(first, through(1, emit(1, "a", ErrClosed)), lost, again, got(2, "a", 1), stays(2, "a")),
			"Errors of sending"},
		{"volatile, lost", of(first, lost, []Entry{{Kind: Sending, ID: 1, Volatile: true}, {Kind: SendDone, ID: 1}}, again, stays(2, "a")), ""},
		{"volatile, kept", of(first, lost, []Entry{{Kind: Sending, ID: 1, Volatile: true}, {Kind: SendDone, ID: 1}}, again,
			got(2, "a", 1), stays(2, "a")), "Kept events (client 2): #1 is not one that is kept"},
		{"a question, kept", of(first, lost, []Entry{{Kind: Sending, ID: 1, Question: true, Timeout: time.Second}, {Kind: SendDone, ID: 1}}, again,
			got(2, "a", 1), stays(2, "a")), "Kept events (client 2): #1 is not one that is kept"},

		{"its rooms", of(first, through(1, change(Joining, 9, "a", "r")), parted(1, "a", gone, "r"), cast(1, "r"), back(2, "r"), got(2, "a", 1),
			stays(2, "a", "r")), ""},
		{"its rooms are gone", of(first, through(1, change(Joining, 9, "a", "r")), parted(1, "a", gone, "r"), again, stays(2, "a")),
			`Rooms (client 2): greeting: is not in "r", which it joined`},
		{"a room that it left", of(first, through(1, change(Joining, 9, "a", "r")), through(1, change(Leaving, 10, "a", "r")), lost, back(2, "r"),
			stays(2, "a", "r")), `is in "r", which it left`},
		{"a room that a middleware took away", of(first, through(1, change(Joining, 9, "a", "r")), parted(1, "a", gone, "r"), again[:1],
			through(2, change(Leaving, 10, "a", "r")), again[1:], stays(2, "a")), ""},
		{"a room that a middleware took away, and it has", of(first, through(1, change(Joining, 9, "a", "r")), parted(1, "a", gone, "r"), again[:1],
			through(2, change(Leaving, 10, "a", "r")), back(2, "r")[1:], stays(2, "a", "r")), `is in "r", which it left`},
		{"a room joined after its end", of(first, lost, through(1, change(Joining, 9, "a", "r")), back(2, "r"), stays(2, "a", "r")), `is in "r"`},
		{"a room left after its end", of(first, through(1, change(Joining, 9, "a", "r")), parted(1, "a", gone, "r"),
			through(1, change(Leaving, 10, "a", "r")), again, stays(2, "a")), `is not in "r"`},
		{"a room's event while it was in no room", of(first, lost, cast(1, "r"), again, got(2, "a", 1), stays(2, "a")), "not meant"},
		{"a room's event from before it joined", of(first, cast(1, "r"), through(1, change(Joining, 9, "a", "r")), parted(1, "a", gone, "r"),
			back(2, "r"), got(2, "a", 1), stays(2, "a", "r")), "not meant"},
		{"its data", of(first, set(1, 8, "x"), lost, data(again, "x"), stays(2, "a")), ""},
		{"data that a middleware set", of(first, set(1, 8, "x"), lost, again[:1], set(2, 9, "y"), data(again, "y")[1:], stays(2, "a")), ""},
		{"other data", of(first, set(1, 8, "x"), set(1, 9, "y"), lost, data(again, "x"), stays(2, "a")), `Data (client 2): came back with the data "x"`},
		{"data set after its end", of(first, set(1, 8, "x"), lost, set(1, 9, "y"), data(again, "y"), stays(2, "a")), `with the data "y"`},

		{"told as a newcomer", of(first, lost, []Entry{{Kind: Asked, Conn: 2, Session: "p"}, {Kind: Connected, Conn: 2, Socket: "a"},
			{Kind: Greeting, Conn: 2, Socket: "a", Rooms: []string{"a"}}, {Kind: Greeted, Conn: 2, Socket: "a"},
			{Kind: Admitted, Conn: 2, Socket: "a", Session: "p"}}, stays(2, "a")), "Recovered is false to OnConnect, true to the client"},
		{"the session of one, the socket of another", of(first, lost, came(2, "b", "q", false), came(3, "b", "p", true)),
			"came back with the id of another session"},
		{"put out, and admitted behind that", of(first, lost, again[:1], []Entry{{Kind: Dismissed, Conn: 2}}, again[4:]), "CONNECT was answered twice"},
		{"no private id", came(1, "a", "", false), "without a private id"},
		{"an id that is taken", of(first, lost, came(2, "a", "q", false)), "began anew, with an id that another socket has had"},
		{"began anew in time", of(first, lost, anew(2, "p", "b", "q"), stays(2, "b")), "came back in time, and began anew"},
		{"began anew, too late", of(first, lost, after(time.Hour, anew(2, "p", "b", "q")...)), ""},
		{"began anew, and nobody told", of(first, lost, after(time.Hour, came(2, "b", "q", false)...)), ""},
		{"showed a session, and nobody told", of(first, lost, after(time.Hour, slices.Delete(anew(2, "p", "b", "q"), 1, 2)...)), "NotRecovered has not told"},
		{"too late", of(first, lost, after(time.Hour, again...)), "came back 1h0m0s after its end"},
		{"after it left", of(first, []Entry{{Kind: Left, Conn: 1}}, parted(1, "a", "client namespace disconnect")[1:], again, stays(2, "a")),
			`came back after "client namespace disconnect"`},
		{"began anew after it left", of(first, []Entry{{Kind: Left, Conn: 1}}, parted(1, "a", "client namespace disconnect")[1:],
			anew(2, "p", "b", "q")), ""},
		{"the connection that it gave up stays open", of(first, []Entry{{Kind: HungUp, Conn: 1, Want: true}}, parted(1, "a", gone)[1:], again, stays(2, "a")),
			"which it had given up, was not closed"},
		{"the connection that it gave up is closed", of(first, []Entry{{Kind: HungUp, Conn: 1, Want: true}}, parted(1, "a", gone)[1:],
			[]Entry{{Kind: Lost, Conn: 1}}, again, stays(2, "a")), ""},
		{"the next one is closed instead", of(first, lost, []Entry{{Kind: Asked, Conn: 2, Session: "p"}, {Kind: HungUp, Conn: 2}}, came(3, "a", "p", true),
			[]Entry{{Kind: Lost, Conn: 3}}, parted(3, "a", gone)[1:]), ""},

		{"expired", of(first, lost, after(time.Hour, expired("a", gone), Entry{Kind: Settled})), ""},
		{"expired at once", of(first, lost, []Entry{expired("a", gone)}), "expired 0s after its end"},
		{"expired twice", of(first, lost, after(time.Hour, expired("a", gone), expired("a", gone))), "expired twice"},
		{"expired, and came back", of(first, lost, []Entry{expired("a", gone)}, again), "expired, and came back"},
		{"came back, and expired", of(first, lost, again, after(time.Hour, expired("a", gone))), "expired, and has not ended"},
		{"expired after it left", of(first, []Entry{{Kind: Left, Conn: 1}}, parted(1, "a", "client namespace disconnect")[1:],
			after(time.Hour, expired("a", "client namespace disconnect"))), `expired after "client namespace disconnect"`},
		{"expired with another reason", of(first, lost, after(time.Hour, expired("a", "ping timeout"))), `and expired with "ping timeout"`},
		{"expired with other rooms", of(first, lost, after(time.Hour, expired("a", gone, "r"))), `expired: is in "r"`},
		{"expired with other data", of(first, set(1, 8, "x"), lost, after(time.Hour, expired("a", gone))), `expired with the data ""`},
		{"neither", of(first, lost, after(time.Hour, Entry{Kind: Settled})), "neither came back nor expired"},
		{"two at once, and the last one noted first", of(first, lost, []Entry{{Kind: Asked, Conn: 2, Session: "p"}}, came(3, "a", "p", true), again[1:], []Entry{{Kind: Lost, Conn: 2}}, parted(2, "a", gone)[1:],
			after(time.Hour, stays(3, "a")...)), ""},
		{"the server was shut down", of(first, lost, after(time.Hour, Entry{Kind: ShuttingDown})), ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			recovery := &Recovery{Window: time.Minute, Keep: 2 * time.Minute}
			found := Judge(ordered(row.history), Terms{Slack: time.Millisecond, Recovery: recovery})
			if row.want == "" {
				assert.Equal(t, len(found), 0, "%v", found)
				return
			}
			ok := slices.ContainsFunc(found, func(v Violation) bool { return strings.Contains(v.String(), row.want) })
			assert.True(t, ok, "want %q, found %v", row.want, found)
		})
	}
}

// back is who comes back to a room.
func back(conn int, rooms ...string) []Entry {
	h := came(conn, "a", "p", true)
	h[2].Rooms = append([]string{"a"}, rooms...)
	return h
}

func set(conn, id int, text string) []Entry {
	return []Entry{{Kind: Setting, Conn: conn, Socket: "a", ID: id, Text: text}, {Kind: SetDone, ID: id}}
}

func data(came []Entry, text string) []Entry {
	came = slices.Clone(came)
	came[2].Text = text
	return came
}

// A refusal is right where something may be gone, and only there.
func TestJudgeOfBounds(t *testing.T) {
	first, lost, refused := came(1, "a", "p", false), parted(1, "a", "transport close"), anew(2, "p", "b", "q")
	var much []Entry
	for id := range 10 {
		much = append(much, cast(20+id, "others")...)
	}
	for _, row := range []struct {
		name    string
		history []Entry
		terms   Recovery
		right   bool
	}{
		{"nothing is bounded", of(first, lost, much, refused), Recovery{}, false},
		{"more events than are kept", of(first, lost, much, refused), Recovery{MaxEvents: 9}, true},
		{"as many as are kept", of(first, lost, much, refused), Recovery{MaxEvents: 10}, false},
		{"much before its end, of which it lacks nothing", of(first, much, lost, refused), Recovery{MaxEvents: 9}, false},
		{"much before its end, and it lacks what is gone", of(first, through(1, emit(1, "a", OK)), much, lost, refused), Recovery{MaxEvents: 9}, true},
		{"it lacks what is kept", of(first, much, through(1, emit(1, "a", OK)), lost, refused), Recovery{MaxEvents: 9}, false},
		{"more bytes than are kept", of(first, lost, sized(100, cast(1, "a")), sized(1, cast(2)), refused), Recovery{MaxBytes: 100}, true},
		{"fewer bytes", of(first, lost, sized(90, cast(1, "a")), sized(1, cast(2)), refused), Recovery{MaxBytes: 100}, false},
		{"more sessions", of(first, lost, came(3, "c", "s", false), parted(3, "c", "transport close"), refused), Recovery{MaxSessions: 1}, true},
		{"as many sessions", of(first, lost, came(3, "c", "s", false), parted(3, "c", "transport close"), refused), Recovery{MaxSessions: 2}, false},
		{"no position", of(first, lost, refused), Recovery{RequireOffset: true}, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			row.terms.Window, row.terms.Keep = time.Minute, 2*time.Minute
			found := Judge(ordered(row.history), Terms{Recovery: &row.terms})
			wrong := slices.ContainsFunc(found, func(v Violation) bool { return strings.Contains(v.Text, "began anew") })
			assert.Equal(t, !wrong, row.right, "%v", found)
		})
	}
}

func sized(size int, entries []Entry) []Entry {
	entries[0].Size = size
	return entries
}
