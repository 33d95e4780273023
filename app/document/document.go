// Package document has documents that people share: JSON values under keys, each with a
// version. Whoever subscribes to one gets what it is, and is told of each change.
//
// A version is the number of changes that a document has had: who changes one says which
// version it knows, and of those who say the same one succeeds; the others get the error
// "conflict" with what is there now, and decide again. Versions go on when a document is
// deleted, and made again.
//
// # What subscribers see
//
// All subscribers of a key are told of all its changes, in the order of versions, whoever
// made them: also the socket that did, which then need not tell its own changes from those of
// others. A socket is in the room before what it gets as the snapshot is read, so that no
// change falls between the two; a change may then be told before the snapshot, or be in it
// as well. So a client keeps what has the highest version, and drops what is not newer.
package document

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"github.com/kachi-io/kachi/app/account"
	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/jsontext"
)

// Options configures [Documents]. The zero value of each field is its default.
type Options struct {
	// Feed carries changes between the servers of one database. Default [NewFeed]: there is
	// no other server.
	Feed Feed
	// MaxMade is how many documents a person makes at most, those included that were deleted:
	// their versions are kept. Default 2,000.
	MaxMade int
	// Logger gets what an operator should know: never values. Default none.
	Logger *slog.Logger
}

// Documents is the documents of a database. It is safe for concurrent use.
type Documents struct {
	db    *store.DB
	hub   gateway.Emitter
	feed  Feed
	most  int // documents that a person makes
	log   *slog.Logger
	turns turns
	stop  func()
}

// New makes the documents. Subscribers are told of changes between Start and Stop.
func New(db *store.DB, hub gateway.Emitter, o Options) *Documents {
	if o.Feed == nil {
		o.Feed = NewFeed()
	}
	if o.MaxMade <= 0 {
		o.MaxMade = 2000
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Documents{db: db, hub: hub, feed: o.Feed, most: o.MaxMade, log: o.Logger}
}

// Start has changes told to those who subscribe here, wherever they are made.
func (s *Documents) Start(ctx context.Context) (err error) {
	s.stop, err = s.feed.Subscribe(ctx, s.tell)
	return err
}

// Stop ends that.
func (s *Documents) Stop(context.Context) error {
	s.stop()
	return nil
}

// tell tells this server's sockets: each server is handed each change.
func (s *Documents) tell(ctx context.Context, d Document) {
	if err := Updated.Emit(ctx, s.hub.Namespace(namespace).Local().To(subscribers.Of(d.Key)), d); err != nil {
		s.log.Error("sync: a change was not told", "key", d.Key, "version", d.Version, "error", err)
	}
}

// Get returns a document; one that was never written has the version 0.
func (s *Documents) Get(ctx context.Context, who account.User, key Key) (Document, error) {
	if err := key.allows(who); err != nil {
		return Document{}, err
	}
	d, err := s.db.Document(ctx, string(key))
	return seen(d), err
}

// Set replaces a document's value. expected is asked about what is there now; where it says
// no, the error is a conflict, with what is there as its details.
func (s *Documents) Set(ctx context.Context, who account.User, key Key, value json.RawMessage, expected func(now Document) bool) (Document, error) {
	value, err := checked(value)
	if err != nil {
		return Document{}, err
	}
	return s.change(ctx, who, key, value, expected)
}

// Delete takes a document's value away. Where there is none the error is "not_found".
func (s *Documents) Delete(ctx context.Context, who account.User, key Key, expected func(now Document) bool) (Document, error) {
	missing := false
	d, err := s.change(ctx, who, key, nil, func(now Document) bool {
		missing = !now.there()
		return !missing && expected(now)
	})
	if missing && gateway.CodeOf(err) == gateway.CodeConflict {
		err = errNotFound
	}
	return d, err
}

// change stores what a document is from now on, and has it told; a value of nil deletes it.
func (s *Documents) change(ctx context.Context, who account.User, key Key, value json.RawMessage, expected func(now Document) bool) (Document, error) {
	if err := key.allows(who); err != nil {
		return Document{}, err
	}
	// One after the other from storing to telling, so that versions are told in order.
	done, err := s.turns.take(ctx, string(key))
	if err != nil {
		return Document{}, err
	}
	defer done()
	stored, err := s.db.SetDocument(ctx, store.DocumentChange{Name: string(key), Value: value, At: time.Now(),
		Expected: func(now store.Document) bool { return expected(seen(now)) }, Maker: who.ID, Most: int64(s.most)})
	d := seen(stored)
	if errors.Is(err, store.ErrVersion) {
		return Document{}, &gateway.Error{Code: gateway.CodeConflict, Message: "The document has changed", Details: d}
	}
	if errors.Is(err, store.ErrTooMany) {
		return Document{}, gateway.Errorf("full", "You have made %d documents already", s.most)
	}
	if err != nil {
		return Document{}, err
	}
	// It is stored: whoever is not told of it sees it in the next snapshot, or change.
	if err := s.feed.Publish(context.WithoutCancel(ctx), d); err != nil {
		s.log.Error("sync: other servers were not told of a change", "key", d.Key, "version", d.Version, "error", err)
	}
	return d, nil
}

// Bounds of a value, so that whatever is stored can be sent to clients of every kind.
const (
	maxValue = 64 << 10 // bytes
	maxDepth = 100
)

// checked returns a value as it is stored: JSON without spaces.
func checked(value json.RawMessage) (json.RawMessage, error) {
	wrong := func(rule, param, message string) error {
		return gateway.Invalid(gateway.FieldError{Path: "value", Rule: rule, Param: param, Message: message})
	}
	end := jsontext.ScanValue(value, jsontext.SkipSpace(value, 0), maxDepth)
	if end == jsontext.TooDeep {
		return nil, wrong("depth", "100", "The value is nested too deeply")
	}
	if end < 0 || jsontext.SkipSpace(value, end) != len(value) {
		return nil, wrong("json", "", "The value is no JSON")
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, value); err != nil {
		return nil, wrong("json", "", "The value is no JSON")
	}
	if compact.Len() > maxValue {
		return nil, wrong("max", "65536", "The value is larger than 64 KiB")
	}
	var decoded any
	if err := json.Unmarshal(compact.Bytes(), &decoded); err != nil {
		return nil, wrong("number", "", "The value has a number that is too large to be read") // 1e400
	}
	return compact.Bytes(), nil
}
