package gateway

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/kachi-io/kachi/socketio/packet"
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
// key is also called when the route is registered, with an input that was made up: so the
// documentation knows which member it returns, and generated clients fill it in.
//
// Answers are in [Options].Answers: in this process by default, and for a number of them.
func (r *Route[P, In, Out]) Idempotent(window time.Duration, key func(In) string) *Route[P, In, Out] {
	if window <= 0 || key == nil {
		window = -1 // told when the app is made
	}
	r.route.window, r.idempotencyKey = window, key
	if key != nil {
		r.route.keyMember = memberOf(key)
	}
	return r
}

// memberOf finds out which member of an input a function returns, by its name in JSON: it
// gives it one whose texts are all different. "" where the answer is none of them.
func memberOf[In any](key func(In) string) (name string) {
	defer func() { _ = recover() }() // of a function that expects a whole input
	in := new(In)
	v := reflect.ValueOf(in).Elem()
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return ""
	}
	const mark = "\x00member "
	fields := packet.Fields(v.Type())
	for _, f := range fields {
		switch field, err := v.FieldByIndexErr(f.Index); {
		case err != nil || !field.CanSet():
		case field.Kind() == reflect.String:
			field.SetString(mark + f.Name)
		case field.Type() == reflect.TypeFor[*string]():
			field.Set(reflect.ValueOf(new(string)))
			field.Elem().SetString(mark + f.Name)
		}
	}
	name, _ = strings.CutPrefix(key(*in), mark)
	if !slices.ContainsFunc(fields, func(f packet.Field) bool { return f.Name == name }) {
		return "" // of several members, or of none
	}
	return name
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
