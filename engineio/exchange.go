package engineio

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

const (
	// releaseGrace is what an answer that is being written when its session ends may
	// still take, so that a client that does read gets it.
	releaseGrace = time.Second
	// drainTimeout bounds what net/http waits for the rest of a body that was not read.
	drainTimeout = 2 * time.Second
	// maxHaste is how long before its limit a poll is answered, at most.
	maxHaste = time.Second
)

// exchange is one HTTP request of a session in the hands of its handler, and the means
// to end it from outside: when the session closes, whatever it waits for from the
// network ends by a deadline, whatever the peer does.
//
// Its lock comes after the session's. Deadlines touch memory only.
type exchange struct {
	r  *http.Request
	w  http.ResponseWriter
	rc *http.ResponseController

	body bodyState

	mu     sync.Mutex
	stage  stage
	ending bool // released
}

type bodyState uint8

const (
	bodyUnread bodyState = iota
	bodyRead             // to its end
	bodyBroken
)

type stage uint8

const (
	waiting stage = iota // for something to send, or processing
	reading              // the body
	writing              // the answer
	left                 // the handler returned: its connection belongs to another request
)

func newExchange(w http.ResponseWriter, r *http.Request) *exchange {
	return &exchange{r: r, w: w, rc: http.NewResponseController(w)}
}

// hold lifts the host's ReadTimeout and WriteTimeout, which are meant for ordinary
// requests, from one that waits. Without that net/http takes the end of ReadTimeout for
// the end of the connection.
//
// Where it cannot, because middleware hides the connection, and where middleware has
// given the request's context a deadline (http.TimeoutHandler and its like), the request
// has a limit: it must be answered before the host answers in its place, by an error that
// ends the session.
func (x *exchange) hold() (limit time.Duration, limited bool) {
	read := x.rc.SetReadDeadline(time.Time{})
	write := x.rc.SetWriteDeadline(time.Time{})
	var limits []time.Duration
	if end, ok := x.r.Context().Deadline(); ok {
		limits = append(limits, time.Until(end))
	}
	if host := hostOf(x.r); host != nil {
		if read != nil && host.ReadTimeout > 0 {
			limits = append(limits, host.ReadTimeout)
		}
		if write != nil && host.WriteTimeout > 0 {
			limits = append(limits, host.WriteTimeout)
		}
	}
	if len(limits) == 0 {
		return 0, false
	}
	limit = slices.Min(limits)
	return limit - min(limit/4, maxHaste), true
}

// read marks the body as being read; it reports false when the session has ended.
func (x *exchange) read() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.stage = reading
	return !x.ending
}

func (x *exchange) processed() {
	x.mu.Lock()
	x.stage = waiting
	x.mu.Unlock()
}

// release ends what the exchange waits for.
func (x *exchange) release() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.ending = true
	switch x.stage {
	case reading:
		_ = x.rc.SetReadDeadline(time.Now())
	case writing:
		_ = x.rc.SetWriteDeadline(time.Now().Add(releaseGrace))
	}
}

// patience bounds the rest of a body, from now.
func (x *exchange) patience(d time.Duration) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.stage == reading {
		_ = x.rc.SetReadDeadline(time.Now().Add(d))
	}
}

// answer writes the whole answer and sees it out: afterwards it is the kernel's. It
// takes no longer than timeout, or releaseGrace when the session ends meanwhile.
func (x *exchange) answer(status int, body []byte, timeout time.Duration) error {
	x.mu.Lock()
	x.stage = writing
	if x.ending {
		timeout = min(timeout, releaseGrace)
	}
	_ = x.rc.SetWriteDeadline(time.Now().Add(timeout))
	if x.r.ContentLength != 0 && x.body != bodyRead {
		// net/http reads what is left of the body before it answers.
		drain := drainTimeout
		if x.body == bodyBroken {
			drain = 0
		}
		_ = x.rc.SetReadDeadline(time.Now().Add(drain))
	}
	x.mu.Unlock()

	h := x.w.Header()
	h.Set("Content-Length", strconv.Itoa(len(body)))
	x.w.WriteHeader(status)
	_, err := x.w.Write(body)
	if flushErr := x.flush(); err == nil && !errors.Is(flushErr, http.ErrNotSupported) {
		err = flushErr
	}
	x.leave()
	return err
}

// flush sees out what was written. Some writers have the method and panic in it where what
// they wrap has none (echo's Response behind a time-out).
func (x *exchange) flush() (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", http.ErrNotSupported, p)
		}
	}()
	return x.rc.Flush()
}

// leave gives the connection back: deadlines of HTTP/1 belong to it and not to the
// request, and net/http renews the one for writing only where the host has a
// WriteTimeout.
func (x *exchange) leave() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.stage == left {
		return
	}
	x.stage = left
	var deadline time.Time
	if host := hostOf(x.r); host != nil && host.WriteTimeout > 0 {
		deadline = time.Now().Add(host.WriteTimeout)
	}
	_ = x.rc.SetWriteDeadline(deadline)
}

// hostOf returns the server that the request came to, where net/http serves it.
func hostOf(r *http.Request) *http.Server {
	host, _ := r.Context().Value(http.ServerContextKey).(*http.Server)
	return host
}
