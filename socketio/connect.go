package socketio

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"

	"github.com/kachi-io/kachi/engineio"
)

// connectTask admits a socket to its namespace, or refuses it. It is the first task of
// every socket: the events of a client that does not wait for the answer queue behind
// it.
type connectTask Socket

func (t *connectTask) run(s *Socket) {
	if !s.enter() {
		return // it ended meanwhile, and no function was told of it
	}
	s.ns.srv.opts.Hooks.Connected(s)
	for _, f := range s.ns.registered().connect {
		if err := protect(func() error { return f(s.ctx, s) }); err != nil {
			if !s.Connected() && (errors.Is(err, ErrClosed) || errors.Is(err, context.Canceled)) {
				return // the client left while it was being greeted
			}
			s.failed("connect", err)
			if n := s.mailbox.refuse(); n > 0 { // nobody is there for them
				s.ns.srv.opts.Hooks.Discarded(s, n)
			}
			PublicError(err, "connect").tell(func(body *ErrorBody) error { return s.Emit("exception", body) })
			s.disconnect(ReasonServerDisconnect)
			return
		}
	}
}

// enter lets the socket into its namespace: as a new one, or where its client left off. It
// reports false when the socket was refused, or has ended meanwhile.
func (s *Socket) enter() bool {
	j := s.ns.journal
	if j == nil {
		if err := s.vetted(); err != nil {
			s.refuse(err)
			return false
		}
		greeting := s.greeting("")
		return s.ns.local.add(s, s.admission(func() { s.conn.queue(greeting) }))
	}
	former := j.claimed(s)
	if former == nil || j.opts.RunMiddlewares {
		if err := s.vetted(); err != nil {
			if former != nil {
				reason := former.reason
				if errors.Is(err, ErrSomebodyElse) {
					reason = ReasonServerDisconnect // nobody comes back after that
				}
				j.unclaim(s, reason)
			}
			s.refuse(err)
			return false
		}
	}
	return j.admit(s, former)
}

// greeting is the answer to CONNECT; nil where there is none.
func (s *Socket) greeting(private string) *engineio.Message {
	m, _ := s.conn.form.message(s.conn.form.greeting(s, private))
	return m
}

// admission is the step in which the socket becomes connected, while no broadcast can find
// it. queue queues what is to come first.
func (s *Socket) admission(queue func()) func() bool {
	return func() bool {
		if !s.state.CompareAndSwap(statePending, stateAdmitting) {
			return false
		}
		queue()
		s.state.CompareAndSwap(stateAdmitting, stateConnected) // unless it ends; end waits for add
		return true
	}
}

// vetted asks the middlewares, unless that was done before the handshake was answered.
func (s *Socket) vetted() error {
	if s.conn.form.kind == plain {
		return nil
	}
	return s.askMiddlewares()
}

// askMiddlewares asks whoever has a say: for a namespace of a [Dynamic] the function that
// matched its name, then the middlewares. Whom they admit has the namespace opened.
func (s *Socket) askMiddlewares() error {
	c := s.ns.child
	if c == nil && len(s.ns.registered().middleware) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(s.ctx, s.ns.srv.opts.ConnectTimeout)
	defer cancel()
	if c != nil {
		if err := c.match(ctx, s); err != nil {
			return err
		}
	}
	for _, m := range s.ns.registered().middleware {
		if err := protect(func() error { return m(ctx, s) }); err != nil {
			return err
		}
	}
	if c != nil {
		return c.start(ctx, false)
	}
	return nil
}

// refuse answers CONNECT with CONNECT_ERROR. The client may ask again on the same
// connection.
func (s *Socket) refuse(err error) {
	o := &s.ns.srv.opts
	var coded *Error
	if !s.state.CompareAndSwap(statePending, stateEnded) {
		// It has ended meanwhile. What went wrong is told all the same, unless it is that.
		if !errors.As(err, &coded) && !errors.Is(err, context.Canceled) && !errors.Is(err, ErrClosed) && !errors.Is(err, ErrNoNamespace) {
			s.failed("connect", err)
		}
		return
	}
	if errors.As(err, &coded) || errors.Is(err, ErrNoNamespace) {
		o.Logger.Info("refused", "namespace", brief(s.ns.name), "session", s.conn.session.ID(), "error", err)
	} else {
		s.failed("connect", err)
	}
	s.cancel()
	s.conn.forget(s, false, s.conn.form.refusal(s.ns.name, connectErrorData(err)), "")
	s.asked.end(s)
	s.mailbox.seal(s, noTask{}, true)
	o.Hooks.Refused(s.conn.session, s.ns.name, err)
}

// failed reports what went wrong in the application's code.
func (s *Socket) failed(event string, err error) {
	o := &s.ns.srv.opts
	attrs := []any{"namespace", s.ns.name, "socket", s.id, "event", brief(event), "error", err}
	level := slog.LevelError
	var coded *Error
	var panicked *PanicError
	switch {
	case errors.As(err, &panicked):
		attrs = append(attrs, "stack", string(panicked.Stack))
	case errors.As(err, &coded), s.ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, ErrClosed)):
		level = slog.LevelInfo // the client's fault, or its leaving
	}
	o.Logger.Log(s.ctx, level, "handler failed", attrs...)
	o.Hooks.Failed(s, event, err)
}

// protect runs the application's code and turns a panic into an error.
func protect(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return f()
}
