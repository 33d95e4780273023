package intercept

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"time"

	"github.com/kachi-io/kachi/gateway"
)

// Key tells which calls have the same answer: those that return the same. A call for which
// it returns "" is not cached. Namespace, event, and the handlers that an event has for
// several versions are always told apart.
type Key func(c *gateway.Call) string

// CacheOptions configures a cache. The zero value is the default of every field.
type CacheOptions struct {
	// Answers holds what is cached. Default: a store of the interceptor's own, for 10,000
	// answers.
	Answers gateway.Answers
}

// Cache answers calls that ask for the same, by key, with one result for a time. While the
// first of them is being handled the others wait for it. Errors, and streams, are not kept.
//
// What is found is answered before the input is decoded, validated and authorized: a cache
// is for queries whose answer everybody may have to whom key gives it. [PerPrincipal] gives
// it to one principal, who may have lost the right to it within the time; with [Shared],
// [gateway.Route.Authorize] says nothing about it, and guards have to. Nobody may change a
// result that was returned. Cache panics where ttl is not above zero, key is nil, or there
// are several options.
func Cache(ttl time.Duration, key Key, o ...CacheOptions) gateway.Interceptor {
	switch {
	case ttl <= 0:
		panic(fmt.Errorf("intercept.Cache: for %s nothing is kept", ttl))
	case key == nil:
		panic(errors.New("intercept.Cache: there is no Key"))
	case len(o) > 1:
		panic(errors.New("intercept.Cache: there are two CacheOptions"))
	}
	var answers gateway.Answers
	if len(o) > 0 {
		answers = o[0].Answers
	}
	if answers == nil {
		answers = gateway.NewAnswers(10_000)
	}
	return func(next gateway.Handler) gateway.Handler {
		return func(c *gateway.Call) (out any, err error) {
			which := key(c)
			if which == "" {
				return next(c)
			}
			answer, settle, err := answers.Claim(c, "cache "+digest(c.Namespace(), c.Pattern(), strconv.Itoa(c.Since()), which))
			if err != nil || settle == nil {
				return answer.Result, err
			}
			keep := time.Duration(0) // after a panic
			defer func() { settle(gateway.Answer{Result: out}, keep) }()
			out, err = next(c)
			if _, streamed := out.(gateway.Streamed); err == nil && !streamed {
				keep = ttl
			}
			return out, err
		}
	}
}

// Shared is the [Key] of answers that are the same for everybody who sends the same
// arguments.
func Shared(c *gateway.Call) string { return arguments(c) }

// PerPrincipal is the [Key] of answers that are one principal's own; of one socket's, where
// the principal has no key.
func PerPrincipal(c *gateway.Call) string {
	if key := c.Key(); key != "" {
		return digest("principal", key, arguments(c))
	}
	if s := c.Socket(); s != nil {
		return digest("socket", s.ID(), arguments(c))
	}
	return ""
}

// arguments stands for what the client sent, byte by byte. It is not "".
func arguments(c *gateway.Call) string {
	h := sha256.New()
	args := c.Args()
	for _, list := range [][][]byte{args.Raw, args.Attachments} {
		size(h, len(list))
		for _, b := range list {
			size(h, len(b))
			h.Write(b)
		}
	}
	return string(h.Sum(nil))
}

// digest makes one key of several, whatever they hold and however long they are.
func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		size(h, len(p))
		h.Write([]byte(p))
	}
	return string(h.Sum(nil))
}

func size(h hash.Hash, n int) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(n))
	h.Write(b[:])
}
