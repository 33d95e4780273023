package main

import (
	"sync"
	"time"

	"github.com/kachi-io/kachi/examples/people"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/limit"
)

// Context is what handlers are given.
type Context = gateway.Context[people.Person]

// Letter is what the server relays: it knows who writes to whom, and not what.
type Letter struct {
	From   string `json:"from"`
	To     string `json:"to"`
	Sealed []byte `json:"sealed"`
}

// Delivered is a letter for the client.
var Delivered = gateway.NewEvent[Letter]("letter")

var desks = gateway.NewRooms("desk") // all devices of a person

// Relay is the namespace /sealed.
type Relay struct {
	mu   sync.Mutex
	keys map[string][]byte // public, by name
}

// NewRelay makes the gateway.
func NewRelay(known *people.People) gateway.Gateway {
	r := &Relay{keys: map[string][]byte{}}
	return gateway.New("/sealed", known, r.register)
}

func (r *Relay) register(g *gateway.Namespace[people.Person]) {
	g.Emits(Delivered)
	g.Use(limit.PerPrincipal(20, time.Second, limit.Options{Burst: 100}))
	g.OnConnect(func(ctx *Context) error { ctx.Join(desks.Of(ctx.Principal.Name)); return nil })
	gateway.Handle(g, "publishKey", r.publish)
	gateway.On(g, "keyOf", r.keyOf)
	gateway.Handle(g, "send", r.send)
}

// publish takes the public key of who calls. A key stays: another one would read as if it
// were the person's.
func (r *Relay) publish(ctx *Context, key []byte) error {
	if len(key) != 32 {
		return gateway.NewError(gateway.CodeInvalid, "A key has 32 bytes")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, has := r.keys[ctx.Principal.Name]; has {
		return gateway.NewError(gateway.CodeConflict, "You have a key already")
	}
	r.keys[ctx.Principal.Name] = key
	return nil
}

func (r *Relay) keyOf(_ *Context, name string) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key, ok := r.keys[name]
	if !ok {
		return nil, gateway.NotFound("Nobody of that name has a key")
	}
	return key, nil
}

const maxLetter = 64 << 10 // bytes, sealed

// send hands a letter on. Who it is from is who calls, whatever it says.
func (r *Relay) send(ctx *Context, letter Letter) error {
	if len(letter.Sealed) > maxLetter {
		return gateway.NewError(gateway.CodeInvalid, "A letter has 64 KiB at most")
	}
	if _, err := r.keyOf(ctx, letter.To); err != nil {
		return err // it would reach nobody, and its writer would not know
	}
	letter.From = ctx.Principal.Name
	return Delivered.Emit(ctx, ctx.To(desks.Of(letter.To)), letter)
}
