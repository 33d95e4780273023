package engineio

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kachi-io/kachi/engineio/websocket"
	"github.com/kachi-io/kachi/internal/ids"
	"github.com/kachi-io/kachi/internal/outbox"
	"github.com/kachi-io/kachi/internal/wheel"
)

// Receiver is what a session delivers to. Its methods are called on goroutines of the
// server, one at a time for each session, and must not block: while Message runs,
// nothing else of that client is read.
type Receiver interface {
	// Message is a message from the client, in the order in which it sent them. The data
	// belongs to the receiver; text is valid UTF-8. What takes time is returned as Work,
	// or nil: it is run while others read on, and may block.
	Message(data []byte, binary bool) Work
	// Closed is called exactly once, after the last Message, whoever ended the session.
	// err tells more than the reason, or is nil.
	Closed(reason Reason, err error)
}

// Work is what a message leaves to do. The session runs it once, on a goroutine that may
// be lost to it: the one that read the message, where another takes its place.
type Work interface{ Run() }

// Server serves Engine.IO sessions. It is an [http.Handler]; make one with [NewServer].
// All its methods are safe for concurrent use.
type Server struct {
	opts     *Options // whose hooks count
	counts   counters
	accept   func(*Session) Receiver
	sessions *registry
	limits   limits
	log      *slog.Logger

	heartbeats *wheel.Wheel
	upgrades   *wheel.Wheel // finer: its times are 100 ms
	chunks     outbox.Chunks[*Message]
	queue      outbox.Limits
	accepting  websocket.Options // of every WebSocket connection; its Header is set per request

	started time.Time // zero of the heartbeats' clock
	closing atomic.Bool
	ended   context.Context // since Shutdown; for what user code does in a handshake
	end     context.CancelFunc
	idle    chan struct{} // signalled when a session is gone

	strays atomic.Int32 // refused candidates that are being closed
	hidden sync.Once    // the warning about a host that hides its connections
	origin sync.Once    // the warning about a site that may not connect

	mu    sync.Mutex
	loose map[*websocket.Conn]struct{} // connections that carry no session: candidates, refused or not
}

// NewServer makes a server. accept is called for every new session, on the goroutine of
// its first request and before the client is told of it, and returns the receiver of
// what the client sends; it may send, but nothing is delivered until it returns.
//
// opts may be nil. NewServer panics when they contradict each other, see
// [Options.Validate].
func NewServer(accept func(*Session) Receiver, opts *Options) *Server {
	if err := opts.Validate(); err != nil {
		panic(err)
	}
	o := opts.withDefaults()
	s := &Server{
		opts:       o,
		accept:     accept,
		sessions:   newRegistry(),
		limits:     limits{total: o.MaxConnections, perAddress: o.MaxPerAddress},
		log:        o.Logger,
		heartbeats: wheel.New(heartbeatTick(o)),
		upgrades:   wheel.New(upgradeTick),
		accepting: websocket.Options{
			MaxMessage:   o.MaxPayload,
			Deflate:      o.Deflate,
			WriteTimeout: o.WriteTimeout,
			CloseTimeout: closeTimeout,
			Batch:        websocket.NewBatch(o.BatchDelay),
		},
		started: time.Now(),
		idle:    make(chan struct{}, 1),
		loose:   make(map[*websocket.Conn]struct{}),
	}
	s.queue = outbox.Limits{Messages: o.MaxQueuedMessages, Bytes: o.MaxQueuedBytes, Evicted: &s.counts.evicted}
	s.accepting.Queue = s.queue
	s.accepting.Traffic = &s.counts.traffic
	s.ended, s.end = context.WithCancel(context.Background())
	o.Hooks = o.Hooks.counted(&s.counts)
	return s
}

// ServeHTTP serves a request of an existing session, or begins a new one. It looks at
// the query, not at the path.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.serve(w, r, s.accept) }

// Handler returns a handler like the server itself, but for the receivers of the sessions
// that begin there, which accept makes. Sessions, limits, options, hooks and Shutdown are
// the server's, and a request of a session may come through any of its handlers.
func (s *Server) Handler(accept func(*Session) Receiver) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, accept) })
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request, accept func(*Session) Receiver) {
	makeWay(r.Context().Value(http.LocalAddrContextKey)) // many who come do not delay those who are here
	q, from := s.opts.parseRequest(r), s.identify(r)
	origin := s.checkOrigin(r, from)
	if origin == originAdmitted && !q.upgrade && s.opts.crossOrigin() {
		s.setCORS(w.Header(), r)
		if r.Method == http.MethodOptions {
			s.preflight(w, r)
			return
		}
	}
	switch {
	case !s.opts.serves(q.transport):
		s.refuse(w, q, Refusal{Request: r, Code: CodeUnknownTransport})
	case origin == originMalformed:
		s.refuse(w, q, Refusal{Request: r, Code: CodeBadRequest, Cause: CauseInvalidOrigin})
	case origin == originRefused:
		s.refuse(w, q, Refusal{Request: r, Code: CodeForbidden, Cause: CauseOrigin, Message: "Origin not allowed"})
	case q.jsonp:
		s.refuse(w, q, Refusal{Request: r, Code: CodeBadRequest, Cause: CauseJSONP, Message: "JSON-P is not supported"})
	case q.sid == "":
		s.handshake(w, r, q, from, accept)
	default:
		s.resume(w, r, q)
	}
}

// resume serves a request that names a session.
func (s *Server) resume(w http.ResponseWriter, r *http.Request, q request) {
	session := s.sessions.get(q.sid)
	if session == nil || session.protocol == plain || !session.alive() {
		s.refuse(w, q, Refusal{Request: r, Code: CodeUnknownSession})
		return
	}
	mismatch := Refusal{Request: r, Session: session, Code: CodeBadRequest, Cause: CauseTransportMismatch}
	switch {
	case q.upgrade && q.transport == WebSocket:
		session.offerUpgrade(w, r, q)
	case q.upgrade, q.transport != session.Transport():
		s.refuse(w, q, mismatch)
	case q.transport == WebSocket: // without a WebSocket handshake
		mismatch.Cause = CauseTransportHandshake
		s.refuse(w, q, mismatch)
	case r.Method == http.MethodGet:
		session.handlePoll(w, r, q)
	case r.Method == http.MethodPost:
		session.handlePost(w, r, q)
	default:
		s.refused(Refusal{Request: r, Session: session, Status: http.StatusInternalServerError,
			Code: CodeBadRequest, Cause: CauseMethod})
		x := newExchange(w, r)
		_ = x.answer(http.StatusInternalServerError, nil, s.opts.WriteTimeout)
	}
}

// Sessions returns the number of sessions, those included that are being closed.
func (s *Server) Sessions() int { return int(s.sessions.count.Load()) }

// Shutdown ends the server: handshakes are refused with status 503 from now on, every
// session is closed with [ServerShuttingDown], what waits for a client is discarded, and
// the goroutines of the sessions are waited for until ctx ends, whose error is then
// returned. Call it before Shutdown of the http.Server, which waits for open polls. It
// may be called again.
func (s *Server) Shutdown(ctx context.Context) error {
	s.closing.Store(true)
	s.end()
	if s.opts.BatchDelay > 0 {
		s.flush(ctx)
	}
	for {
		// A handshake that was under way registers its session after all.
		for _, session := range s.sessions.all() {
			session.shutDown()
		}
		s.mu.Lock()
		for c := range s.loose {
			_ = c.CloseNow()
		}
		left := len(s.loose)
		s.mu.Unlock()
		if left == 0 && s.Sessions() == 0 {
			return nil
		}
		select {
		case <-s.idle:
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// gone takes a session out that has no goroutine left.
func (s *Server) gone(session *Session) {
	s.limits.release(session.handshake.Address)
	s.counts.carriedBy(session.Transport()).Add(-1)
	s.sessions.remove(session)
	s.signalIdle()
}

// keep notes a connection that no session answers for, so that Shutdown finds it.
func (s *Server) keep(c *websocket.Conn) {
	s.mu.Lock()
	s.loose[c] = struct{}{}
	s.mu.Unlock()
	if s.closing.Load() { // Shutdown may have looked already
		_ = c.CloseNow()
	}
}

func (s *Server) drop(c *websocket.Conn) {
	s.mu.Lock()
	delete(s.loose, c)
	s.mu.Unlock()
	s.signalIdle()
}

func (s *Server) signalIdle() {
	select {
	case s.idle <- struct{}{}:
	default:
	}
}

var errIDTaken = errors.New("engineio: GenerateID returned an id that is empty or in use")

func (s *Server) generateID(r *http.Request) (string, error) {
	if s.opts.GenerateID == nil {
		return ids.New(), nil
	}
	id, err := s.opts.GenerateID(r)
	if err == nil && id == "" {
		err = errIDTaken
	}
	return id, err
}

// refuse answers with an error. As in the reference implementation a polling client gets
// JSON, with status 403 for code 4 and 400 for all others, and a WebSocket handshake
// status 400 and the message alone. 503 is our own, and the same for both.
func (s *Server) refuse(w http.ResponseWriter, q request, f Refusal) {
	if f.Message == "" {
		f.Message = codeMessages[f.Code]
	}
	if f.Status == 0 {
		f.Status = http.StatusBadRequest
		if f.Code == CodeForbidden && !q.upgrade {
			f.Status = http.StatusForbidden
		}
	}
	var body []byte
	h := w.Header()
	askToReturn(h, f.Status)
	if q.upgrade && f.Status != http.StatusServiceUnavailable {
		h.Set("Content-Type", "text/html")
		h.Set("Connection", "close")
		body = []byte(f.Message)
	} else {
		h.Set("Content-Type", "application/json")
		body, _ = json.Marshal(struct {
			Code    int    `json:"code"`
			Message string `json:"message"`
		}{f.Code, f.Message})
	}
	s.refused(f)
	x := newExchange(w, f.Request)
	_ = x.answer(f.Status, body, s.opts.WriteTimeout)
}

// askToReturn spreads those who are sent away for now.
func askToReturn(h http.Header, status int) {
	if status == http.StatusServiceUnavailable {
		h.Set("Retry-After", strconv.Itoa(1+rand.IntN(maxRetryAfter)))
	}
}

// refused reports a refusal. All of them pass here, whoever answers.
func (s *Server) refused(f Refusal) {
	s.opts.Hooks.Refused(f)
	if f.Cause == CauseOrigin { // mostly the developer's own front end, whose browser does not say why
		s.origin.Do(func() {
			s.log.Warn("a page of another site was refused: Options.AllowedOrigins names those that may connect; further ones are logged at Debug",
				"origin", f.Request.Header.Get("Origin"), "host", f.Request.Host)
		})
	}
	s.log.Debug("request refused", "status", f.Status, "code", f.Code, "message", f.Message, "cause", f.Cause,
		"error", f.Err, "remote", f.Request.RemoteAddr)
}

// closeTimeout is how long a client may take to answer a close frame.
const closeTimeout = 5 * time.Second

// maxRetryAfter, in seconds, spreads the clients that are sent away together.
const maxRetryAfter = 10
