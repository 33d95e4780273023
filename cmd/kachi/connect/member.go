package connect

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/kachi-io/kachi/client"
)

// member is the session's place in one namespace.
type member struct {
	session *session
	socket  *client.Socket
	auth    atomic.Pointer[json.RawMessage]
	outcome chan error    // takes the newest outcome of an attempt to connect
	gone    chan struct{} // takes one: the end of a connection has been printed
}

func (m *member) namespace() string { return m.socket.Namespace() }

// open connects, and waits for the outcome of the first attempt, which is printed before it
// returns.
func (m *member) open(ctx context.Context) error {
	select {
	case <-m.outcome:
	default:
	}
	if m.socket.Connected() {
		return nil
	}
	m.session.news("")
	m.socket.Open()
	m.session.count()
	// The client bounds the opening of a connection, and the wait for a namespace where
	// there is no other.
	timer := time.NewTimer(2 * m.session.timeout)
	defer timer.Stop()
	select {
	case err := <-m.outcome:
		if err != nil {
			return fmt.Errorf("%w: %w", errShown, err)
		}
		return nil
	case <-timer.C:
		return failed("timeout", "No answer from %s in time. --timeout gives it longer.", escape(m.namespace()))
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close leaves the namespace, which is printed before it returns.
func (m *member) close(ctx context.Context) error {
	select {
	case <-m.gone:
	default:
	}
	connected := m.socket.Connected()
	m.socket.Disconnect()
	if !connected { // nobody tells of it
		m.session.out.print(record{kind: kindDisconnect, namespace: m.namespace(), reason: string(client.ClientDisconnect)})
		m.session.turned()
		return nil
	}
	select {
	case <-m.gone:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (m *member) settle(err error) {
	select {
	case <-m.outcome:
	default:
	}
	m.outcome <- err // one goroutine calls this, the socket's
}

func (m *member) connected(context.Context) {
	defer m.session.guard()
	s := m.session
	s.mu.Lock()
	s.begun = true
	s.failures, s.trouble = 0, ""
	s.mu.Unlock()
	r := record{kind: kindConnect, namespace: m.namespace(), url: s.target.origin, sid: m.socket.ID(), recovered: m.socket.Recovered()}
	if c, ok := s.client.Connection(); ok {
		r.transport = string(c.Transport)
	}
	s.out.print(r)
	s.mu.Lock()
	s.up++
	s.mu.Unlock()
	s.tell()
	s.turned()
	m.settle(nil)
}

func (m *member) notConnected(_ context.Context, err error) {
	defer m.session.guard()
	e := m.session.target.explain(err)
	if m.session.news(e.message) || m.session.out.json {
		m.session.out.print(record{kind: kindConnectError, namespace: m.namespace(), code: e.code, message: e.message, data: e.data})
	}
	m.session.tell()
	m.session.turned()
	m.settle(err)
}

func (m *member) disconnected(_ context.Context, reason client.Reason, err error) {
	defer m.session.guard()
	s := m.session
	r := record{kind: kindDisconnect, namespace: m.namespace(), reason: string(reason)}
	if err != nil && reason == client.TransportFailure {
		e := s.target.explain(err)
		r.code, r.message = e.code, e.message
	}
	s.out.print(r)
	s.drop(m)
	s.turned()
	s.tell()
	signal(m.gone)
}
