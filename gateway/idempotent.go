package gateway

import (
	"errors"
	"fmt"
	"time"
)

// maxIdempotencyKey bounds the id that a client makes up.
const maxIdempotencyKey = 128

// Idempotent has a call that a client makes again, because it does not know whether the
// first one arrived, be answered as the first one was, and the handler not run. key returns
// the id that the client has made up for what it wants, of 128 bytes at most; a call
// without one ("") is handled as ever. Ids are compared for one principal ([Identity].Key;
// where there is none, one socket), one namespace and one event; whether the rest of the
// input is the same is not looked at.
//
// The answer is kept for the window. While the first call is still being handled, the
// second waits for it. Errors with a code are answers, but for those that are not about what
// the client wants: internal, timeout, overloaded and rate_limited are not kept, nor are
// errors without a code, and the next call runs the handler. What was sent beside the answer
// is not sent again, and what a handler acknowledged by [Call.Ack] is not known: its result
// is the answer.
//
// Answers are in [Options].Answers: in this process by default, and for a number of them.
func (r *Route[P, In, Out]) Idempotent(window time.Duration, key func(In) string) *Route[P, In, Out] {
	if window <= 0 || key == nil {
		window = -1 // told when the app is made
	}
	r.route.window, r.idempotencyKey = window, key
	return r
}

// once runs a handler, or repeats its answer.
func (r *Route[P, In, Out]) once(c *Call, in *In, handle func() (any, error)) (out any, err error) {
	id := r.idempotencyKey(*in)
	switch {
	case id == "":
		return handle()
	case len(id) > maxIdempotencyKey:
		return nil, Errorf(CodeBadRequest, "the id is of %d bytes, and at most %d are taken", len(id), maxIdempotencyKey)
	}
	kind, who := "principal", c.Key()
	if who == "" {
		kind, who = "socket", c.Socket().ID()
	}
	full := fmt.Sprintf("idempotent %q %q %d %s %q %q", c.Namespace(), c.pattern, r.route.since, kind, who, id)
	answer, settle, err := c.app.opts.Answers.Claim(c, full)
	if err != nil {
		return nil, err
	}
	if settle == nil {
		return answer.Result, answer.Err
	}
	keep := time.Duration(0) // after a panic
	defer func() { settle(Answer{out, err}, keep) }()
	out, err = handle()
	if isAnswer(err) {
		keep = r.route.window
	}
	return out, err
}

// isAnswer reports whether an error would come of the same call again.
func isAnswer(err error) bool {
	if err == nil {
		return true
	}
	var coded *Error
	if !errors.As(err, &coded) {
		return false
	}
	switch coded.Code {
	case CodeInternal, CodeTimeout, CodeOverloaded, CodeRateLimited:
		return false
	}
	return true
}
