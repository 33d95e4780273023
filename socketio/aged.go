package socketio

import (
	"encoding/json"
	"net/url"
	"strings"

	"github.com/kachi-io/kachi/socketio/packet"
)

// Clients of Socket.IO v2 ([Options.AllowEIO3]) differ in how they join a namespace, and
// in the answer that they expect (form.greeting, form.refusal):
//
//   - they are in "/" without asking;
//   - what they show a namespace comes in the query of its name, "/chat?token=abc";
//   - they make up the id of their socket: the connection's, behind the namespace's name.

// greetAged has the client join "/".
func (c *conn) greetAged() {
	work, err := c.takeConnect(&packet.Packet{Type: packet.Connect, Namespace: "/", ID: packet.NoID})
	if err == nil && work != nil {
		go work.Run()
	}
}

// agedConnect reads the query in a namespace's name, as what the client shows.
func agedConnect(p *packet.Packet) *packet.Packet {
	q := *p
	q.Data = nil
	name, query, _ := strings.Cut(p.Namespace, "?")
	q.Namespace = name
	if values, err := url.ParseQuery(query); err == nil && len(values) > 0 {
		shown := make(map[string]any, len(values))
		for key, v := range values {
			if shown[key] = v; len(v) == 1 {
				shown[key] = v[0]
			}
		}
		q.Data, _ = json.Marshal(shown) // strings only
	}
	return &q
}

// agedID is the id that a client takes its socket to have.
func agedID(session, namespace string) string {
	if namespace == "/" {
		return session
	}
	return namespace + "#" + session
}
