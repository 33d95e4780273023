package document

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/kachi-io/kachi/app/account"
	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/gateway"
)

// Key names a document: 1 to 128 letters, digits and -_.:~ in parts between "/". Those that
// begin with "user/<id>/" are of that person alone, others below "user/" of nobody, and all
// else of everybody.
type Key string

const (
	maxKey  = 128
	private = "user/"
)

// check refuses what is no key.
func (k Key) check() error {
	good := len(k) <= maxKey
	for part := range strings.SplitSeq(string(k), "/") {
		// Neither is one that a browser or a proxy would take out of a path.
		good = good && part != "" && part != "." && part != ".." && strings.Trim(part, keyCharacters) == ""
	}
	if !good {
		return gateway.Invalid(gateway.FieldError{Path: "key", Rule: "key",
			Message: "A key is 1 to 128 letters, digits and -_.:~ in parts between /"})
	}
	return nil
}

const keyCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:~"

// allows refuses keys that are none, and tells nothing of those of others.
func (k Key) allows(who account.User) error {
	if err := k.check(); err != nil {
		return err
	}
	if strings.HasPrefix(string(k), private) && !strings.HasPrefix(string(k), private+who.ID.String()+"/") {
		return errNotFound
	}
	return nil
}

var errNotFound = gateway.NotFound("There is no such document")

// Document is what a document is, or was changed to.
type Document struct {
	Key     Key             `json:"key"`
	Value   json.RawMessage `json:"value" doc:"Any JSON; null where there is none."`
	Version int64           `json:"version" doc:"How many changes there have been; 0 where there is none yet. What is not newer than what a client has is to be dropped."`
	Deleted bool            `json:"deleted,omitempty" doc:"There was one, and is none any more."`
}

// there reports whether there is a value.
func (d Document) there() bool { return d.Version > 0 && !d.Deleted }

func seen(d store.Document) Document {
	if d.Value == nil {
		return Document{Key(d.Name), json.RawMessage("null"), d.Version, d.Version > 0}
	}
	return Document{Key(d.Name), d.Value, d.Version, false}
}

// Subject is which document is meant.
type Subject struct {
	Key Key `json:"key" validate:"required" doc:"1 to 128 letters, digits and -_.:~ in parts between /. Those that begin with user/<id>/ are of that person alone."`
}

// Validate implements [gateway.Validated].
func (s Subject) Validate(context.Context) error { return s.Key.check() }

// Change is what a document is to be.
type Change struct {
	Key     Key             `json:"key" validate:"required"`
	Value   json.RawMessage `json:"value" doc:"Any JSON, at most 64 KiB and 100 levels deep."`
	Version *int64          `json:"version" validate:"required,min=0" doc:"The version that the client knows; 0 where there is none yet."`
}

// Validate implements [gateway.Validated].
func (c Change) Validate(context.Context) error {
	if c.Value == nil {
		return gateway.Invalid(gateway.FieldError{Path: "value", Rule: "required", Message: "value is a required field"})
	}
	return c.Key.check()
}

// Changed is what came of a change.
type Changed struct {
	Version int64 `json:"version" doc:"Of the document now."`
}

// Updated is what subscribers are told.
var Updated = gateway.NewEvent[Document]("dataUpdated").
	Describe("A document that this socket subscribes to has changed, to this. Its own changes are told as well.")
