package connect

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/kachi-io/kachi/socketio/packet"
)

// kind says what a record tells of. The names are those of --json, and stay.
type kind string

const (
	kindConnect      kind = "connect"
	kindConnectError kind = "connect_error" // no connection, or refused by the namespace
	kindDisconnect   kind = "disconnect"
	kindReconnecting kind = "reconnecting"
	kindUpgrade      kind = "upgrade"
	kindUpgradeError kind = "upgrade_error"
	kindEvent        kind = "event"
	kindAnswer       kind = "answer"
	kindError        kind = "error" // of a line
	kindStatus       kind = "status"
	kindNote         kind = "note" // for people: help, for example
)

// record is something that happened, and is printed.
type record struct {
	kind      kind
	namespace string
	event     string
	args      packet.Args
	id        int    // of a question of the server
	sid       string // of a socket
	transport string
	recovered bool
	reason    string
	code      string
	message   string
	data      json.RawMessage // of a refusal
	line      *lineError      // where a mistake is
	attempt   int
	lasted    time.Duration // a pause, or how long an answer took
	sockets   []socketStatus
	url       string
	time      time.Time
}

type socketStatus struct {
	Namespace string `json:"namespace"`
	State     string `json:"state"`
	SID       string `json:"sid,omitempty"`
	Current   bool   `json:"current,omitempty"`
}

// wire is a record as --json writes it.
type wire struct {
	Type      kind              `json:"type"`
	Namespace string            `json:"namespace,omitempty"`
	Event     string            `json:"event,omitempty"`
	Args      []json.RawMessage `json:"args,omitzero"`
	ID        int               `json:"id,omitempty"`
	SID       string            `json:"sid,omitempty"`
	Transport string            `json:"transport,omitempty"`
	Recovered bool              `json:"recovered,omitempty"`
	Reason    string            `json:"reason,omitempty"`
	Code      string            `json:"code,omitempty"`
	Message   string            `json:"message,omitempty"`
	Data      json.RawMessage   `json:"data,omitempty"`
	Column    int               `json:"column,omitempty"` // from 1, in bytes
	Attempt   int               `json:"attempt,omitempty"`
	MS        *float64          `json:"ms,omitempty"`
	URL       string            `json:"url,omitempty"`
	Sockets   []socketStatus    `json:"sockets,omitzero"`
	Time      string            `json:"time"`
}

// jsonLine returns the record as one line.
func (r *record) jsonLine() []byte {
	w := wire{
		Type: r.kind, Namespace: r.namespace, Event: r.event, ID: r.id, SID: r.sid, Transport: r.transport,
		Recovered: r.recovered, Reason: r.reason, Code: r.code, Message: r.message, Data: r.data,
		Attempt: r.attempt, URL: r.url, Sockets: r.sockets,
		Time: r.time.UTC().Format("2006-01-02T15:04:05.000Z07:00"),
	}
	if r.line != nil && r.line.at >= 0 {
		w.Column = r.line.at + 1
	}
	if r.kind == kindEvent || r.kind == kindAnswer {
		w.Args = []json.RawMessage{}
		for _, a := range render(r.args, forPrograms) {
			w.Args = append(w.Args, json.RawMessage(a))
		}
	}
	if r.lasted > 0 {
		ms := float64(r.lasted.Microseconds()) / 1000
		w.MS = &ms
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(w); err != nil { // raw JSON that is none: a server's, in a refusal
		w.Data = nil
		out.Reset()
		_ = e.Encode(w)
	}
	return []byte(escape(out.String()[:out.Len()-1]) + "\n")
}
