// Package history judges what happened between Socket.IO clients and a server against the
// delivery contract of docs/guarantees.md. Both sides note what they do and see in one
// [Log]; [Judge] looks for what the contract forbids. It knows nothing of the server.
package history

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Kind says what an [Entry] notes.
type Kind uint8

// What clients note. Conn is set in all of them, Namespace in those that concern one,
// and Socket where the client knows it.
const (
	Asked     Kind = iota + 1 // sent CONNECT
	Admitted                  // got CONNECT's answer
	Refused                   // got CONNECT_ERROR
	Dismissed                 // got DISCONNECT
	Left                      // is about to send DISCONNECT
	Sent                      // is about to send the event ID; Want: with an acknowledgement
	Acked                     // got the acknowledgement of its event ID; Text
	Got                       // got the message ID
	Answered                  // is about to answer the question ID; Text
	Silenced                  // answers no ping from here on
	Stopped                   // takes nothing from here on, for a while at least
	HungUp                    // is about to end the connection; Orderly: saying so
	Lost                      // saw the server end the connection
)

// What the server's side notes. Socket and Namespace are set.
const (
	Connected     Kind = iota + 50 // hook: the socket was admitted
	Greeting                       // OnConnect begins
	Greeted                        // and ends
	Handling                       // the handler of the client's event ID begins
	Handled                        // and ends
	Acking                         // Ack of the event ID is called; Text
	AckDone                        // and returned Err
	Overloaded                     // hook: an event of the client was dropped
	Disconnecting                  // OnDisconnecting: Reason, Rooms
	Disconnected                   // OnDisconnect: Reason, Rooms
	Closed                         // hook: the socket has ended; Reason
	Sending                        // message ID is about to be sent, see Entry
	SendDone                       // the call returned Err; of a question: Answers
	Joining                        // the socket, or all of the namespace, is about to enter Rooms
	JoinDone                       // ID is that of Joining
	Leaving                        // the same for leaving them
	LeaveDone                      //
	Ending                         // the server is about to end the socket, or those in Rooms (Whole: their connections)
	EndDone                        // and has returned
	ShuttingDown                   // Shutdown is called
	ShutDown                       // and has returned
	Settled                        // nothing is under way any more; who is still connected has got all
	Alive                          // beside Settled: the socket is connected, and in Rooms

	Setting      // the socket's data are about to become Text
	SetDone      // ID is that of Setting
	NotRecovered // hook: the client of Conn showed a session and begins anew
	Expired      // OnSessionExpired: Socket, Reason, Rooms, Text (its data)
)

// Entry is one line of a history. Which fields count depends on its kind. With recovery a
// socket's id has one life after another, each on a connection of its own, and Conn is
// set in what both sides note, but for broadcasts and what concerns all sockets.
type Entry struct {
	Seq       int           // its place; calls and returns of different goroutines compare by it
	At        time.Duration // since the beginning
	Kind      Kind
	Conn      int // client's connection, from 1
	Namespace string
	Socket    string
	ID        int // message, event or question

	// Of a message: to Socket alone where that is set, else to the members of any of
	// Rooms (all where there are none) that are in none of Except.
	Rooms, Except []string
	Volatile      bool
	Question      bool          // an acknowledgement is wanted
	Timeout       time.Duration // how long it is waited for

	Session   string // private id: that the client shows (Asked), or is told (Admitted)
	Recovered bool   // Greeting: the server says so
	Size      int    // bytes of a message, at most

	Want    bool // HungUp: the client gives up the connection, and sees the server close it
	Orderly bool
	Whole   bool
	Err     Fault
	Reason  string
	Text    string
	Answers []Answer // of a question that was asked
	Missing int      // how many of those asked did not answer
}

// Overload is the text of the acknowledgement of an event that was dropped because too
// many waited.
const Overload = "overloaded"

// Answer is one socket's acknowledgement of a question.
type Answer struct{ Socket, Text string }

// Fault is what a call returned.
type Fault uint8

// What calls return.
const (
	OK Fault = iota
	ErrClosed
	ErrDropped
	ErrSlow
	ErrTimeout
	ErrAnswered
	ErrOther
)

func (f Fault) String() string {
	return [...]string{"ok", "closed", "dropped", "slow consumer", "timeout", "answered already", "another error"}[f]
}

var names = map[Kind]string{
	Asked: "asked", Admitted: "admitted", Refused: "refused", Dismissed: "dismissed", Left: "left", Sent: "sent",
	Acked: "acked", Got: "got", Answered: "answered", Silenced: "silenced", Stopped: "stopped", HungUp: "hung up",
	Lost: "lost", Connected: "connected", Greeting: "greeting", Greeted: "greeted", Handling: "handling",
	Handled: "handled", Acking: "acking", AckDone: "ack done", Overloaded: "overloaded",
	Disconnecting: "disconnecting", Disconnected: "disconnected", Closed: "closed", Sending: "sending",
	SendDone: "send done", Joining: "joining", JoinDone: "join done", Leaving: "leaving", LeaveDone: "leave done",
	Ending: "ending", EndDone: "end done", ShuttingDown: "shutting down", ShutDown: "shut down", Settled: "settled", Alive: "alive",
	Setting: "setting", SetDone: "set done", NotRecovered: "not recovered", Expired: "expired",
}

func (k Kind) String() string { return names[k] }

func (e Entry) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%5d %9s %-13s", e.Seq, e.At.Round(10*time.Microsecond), e.Kind)
	for _, part := range []struct {
		is   bool
		text string
	}{
		{e.Conn > 0, fmt.Sprint("c", e.Conn)},
		{e.Namespace != "", e.Namespace},
		{e.Socket != "", "socket " + e.Socket},
		{e.ID > 0, fmt.Sprint("#", e.ID)},
		{len(e.Rooms) > 0, "rooms " + strings.Join(e.Rooms, ",")},
		{len(e.Except) > 0, "except " + strings.Join(e.Except, ",")},
		{e.Volatile, "volatile"}, {e.Question, "question"}, {e.Want, "with ack"},
		{e.Orderly, "orderly"}, {e.Whole, "connection"},
		{e.Session != "", "session " + e.Session}, {e.Recovered, "recovered"},
		{e.Reason != "", `"` + e.Reason + `"`}, {e.Text != "", e.Text},
		{e.Err != OK, e.Err.String()},
		{len(e.Answers) > 0, fmt.Sprint(e.Answers)}, {e.Missing > 0, fmt.Sprint("missing ", e.Missing)},
	} {
		if part.is {
			b.WriteString(" " + part.text)
		}
	}
	return b.String()
}

// Log collects entries. It is safe for concurrent use; the order of its entries is one
// that everybody could have seen.
type Log struct {
	began   time.Time
	mu      sync.Mutex
	entries []Entry
}

// NewLog makes a log whose clock starts now.
func NewLog() *Log { return &Log{began: time.Now(), entries: make([]Entry, 0, 1024)} }

// Add notes an entry, and gives it its place and time.
func (l *Log) Add(e Entry) {
	l.mu.Lock()
	e.Seq, e.At = len(l.entries)+1, time.Since(l.began)
	l.entries = append(l.entries, e)
	l.mu.Unlock()
}

// Entries returns what was noted.
func (l *Log) Entries() []Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.entries)
}

// Violation is something that the contract forbids.
type Violation struct {
	Rule   string // a heading of docs/guarantees.md
	Text   string
	Conn   int    // the client concerned; 0: none in particular
	Socket string // its socket
	IDs    []int  // messages or events concerned
}

func (v Violation) String() string {
	who := ""
	if v.Conn > 0 {
		who = fmt.Sprintf(" (client %d)", v.Conn)
	}
	return v.Rule + who + ": " + v.Text
}

// Excerpt returns what of a history is needed to understand a violation: the life of the
// client concerned, and the messages.
func Excerpt(entries []Entry, v Violation) []Entry {
	socket, sockets := map[string]bool{v.Socket: v.Socket != ""}, map[string]bool{}
	for _, e := range entries {
		if v.Conn > 0 && e.Conn == v.Conn && e.Socket != "" {
			sockets[e.Socket] = true
		}
	}
	if v.Socket == "" {
		socket = sockets
	}
	conns := map[int]bool{v.Conn: v.Conn > 0} // of one socket that came back again and again
	for _, e := range entries {
		if e.Socket == v.Socket && v.Socket != "" && e.Conn > 0 {
			conns[e.Conn] = true
		}
	}
	var some []Entry
	for _, e := range entries {
		about := slices.Contains(v.IDs, e.ID) && e.ID > 0
		keep := false
		switch e.Kind {
		case ShuttingDown, ShutDown, Settled:
			keep = true
		case Sending, SendDone:
			keep = about
		case Got, Answered, Sent, Acked, Handling, Handled, Acking, AckDone:
			keep = about && (v.Conn == 0 || conns[e.Conn] || socket[e.Socket])
		case Silenced, Stopped, HungUp, Lost:
			keep = conns[e.Conn]
		default:
			keep = socket[e.Socket] || conns[e.Conn] || len(socket) == 0 || e.Socket == "" && e.Conn == 0
		}
		if keep {
			some = append(some, e)
		}
	}
	return some
}
