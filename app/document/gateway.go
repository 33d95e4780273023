package document

import (
	"time"

	"github.com/kachi-io/kachi/app/account"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/limit"
)

const namespace = "/sync"

// maxSubscriptions bounds the documents that one socket is told of.
const maxSubscriptions = 100

// CodeTooMany: the socket subscribes to too many documents.
const CodeTooMany = "too_many_subscriptions"

var subscribers = gateway.NewRooms("document")

type caller = gateway.Context[account.User]

// Gateway is the namespace /sync.
func (s *Documents) Gateway(auth gateway.Authenticator[account.User]) gateway.Gateway {
	return gateway.New(namespace, auth, func(g *gateway.Namespace[account.User]) {
		g.Emits(Updated)
		g.Use(limit.PerPrincipal(1000, 10*time.Second))
		gateway.On(g, "subscribe", s.subscribe).
			Describe("Have this socket told of a document's changes, until it unsubscribes or ends: 100 documents at most. The answer is what the document is.")
		gateway.Handle(g, "unsubscribe", s.unsubscribe).
			Describe("Have this socket told no more.")
		gateway.On(g, "updateData", s.update).
			Describe("Change a document, of which the client knows the newest version. Where it does not, the error has the code conflict, and what the document is as its details.")
	})
}

// subscribe joins first and reads then: what changes in between is told.
func (s *Documents) subscribe(ctx *caller, in Subject) (Document, error) {
	if err := in.Key.allows(ctx.Principal); err != nil {
		return Document{}, err
	}
	room := subscribers.Of(in.Key)
	if ctx.In(room) {
		return s.Get(ctx, ctx.Principal, in.Key)
	}
	// A socket's events are handled one after the other: nobody joins for it meanwhile.
	if len(ctx.Rooms()) >= maxSubscriptions {
		return Document{}, gateway.Errorf(CodeTooMany, "A socket subscribes to %d documents at most", maxSubscriptions)
	}
	ctx.Join(room)
	d, err := s.Get(ctx, ctx.Principal, in.Key)
	if err != nil {
		ctx.Leave(room) // who was told that it failed does not expect anything
	}
	return d, err
}

func (s *Documents) unsubscribe(ctx *caller, in Subject) error {
	ctx.Leave(subscribers.Of(in.Key)) // of others' nobody is a member
	return nil
}

func (s *Documents) update(ctx *caller, in Change) (Changed, error) {
	d, err := s.Set(ctx, ctx.Principal, in.Key, in.Value, func(now Document) bool { return now.Version == *in.Version })
	return Changed{d.Version}, err
}
