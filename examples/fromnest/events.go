// Package fromnest has what stands at the right side of docs/from-nestjs.md, compiled and
// tested. What is between a "// begin" and its "// end" is shown there.
package fromnest

import (
	"iter"
	"time"

	"github.com/kachi-io/kachi/gateway"
)

// User is who calls.
type User struct {
	ID   string
	Name string
}

// Context is what handlers are given.
type Context = gateway.Context[User]

// begin declare
// Cats is the namespace /cats.
type Cats struct{ store *Store }

func NewCats(store *Store, auth gateway.Authenticator[User]) gateway.Gateway {
	c := &Cats{store}
	return gateway.New("/cats", auth, c.register)
}

// end declare

// begin subscribe
type Find struct {
	Name string `json:"name"`
}

func (c *Cats) register(g *gateway.Namespace[User]) {
	gateway.On(g, "find", c.find)       // the result is the acknowledgement
	gateway.Handle(g, "forget", c.drop) // without a result: the acknowledgement is empty
}

func (c *Cats) find(ctx *Context, in Find) (Cat, error) {
	return c.store.Find(ctx, in.Name)
}

// end subscribe

func (c *Cats) drop(ctx *Context, in Find) error { return c.store.Forget(ctx, in.Name) }

// begin arguments
func (c *Cats) registerMove(g *gateway.Namespace[User]) {
	gateway.On(g, "move", c.move)
}

// move is for clients that send emit("move", x, y).
func (c *Cats) move(_ *Context, to gateway.Args2[int, int]) (int, error) {
	return to.A * to.B, nil
}

// end arguments

// begin socket
func (c *Cats) whoami(ctx *Context, _ gateway.None) (string, error) {
	id := ctx.Socket().ID()                             // the socket below
	agent := ctx.Handshake().Header().Get("User-Agent") // how it came
	return ctx.Principal.Name + " " + id + " " + agent, nil
}

// end socket

// begin ack
func (c *Cats) upload(ctx *Context, in Find) error {
	if err := ctx.Ack("accepted"); err != nil { // now; what is returned is not sent
		return err
	}
	return c.store.Forget(ctx, in.Name)
}

// end ack

// begin reply
// Found is an event that the server sends.
var Found = gateway.NewEvent[Cat]("found")

func (c *Cats) registerSearch(g *gateway.Namespace[User]) {
	g.Emits(Found) // what a namespace sends it declares
	gateway.On(g, "search", c.search)
}

func (c *Cats) search(ctx *Context, in Find) (gateway.Reply[Cat], error) {
	cat, err := c.store.Find(ctx, in.Name)
	return gateway.Reply[Cat]{Event: Found, Data: cat}, err
}

// end reply

// begin stream
func (c *Cats) registerList(g *gateway.Namespace[User]) {
	gateway.Stream(g, "list", Found, c.list)
}

// list sends each cat as the event found, no faster than the client takes them. It stops
// when the client has gone.
func (c *Cats) list(ctx *Context, _ gateway.None) iter.Seq2[Cat, error] {
	return func(yield func(Cat, error) bool) {
		for _, cat := range c.store.All(ctx) {
			if !yield(cat, nil) {
				return
			}
		}
	}
}

// end stream

// begin exception
func (s *Store) notFound(name string) error {
	return &gateway.Error{
		Code:    gateway.CodeNotFound,
		Message: "There is no cat " + name,
		Details: map[string]string{"name": name},
	}
}

// end exception

// begin pattern
func NewRooms(auth gateway.Authenticator[User]) gateway.Gateway {
	return gateway.Pattern("/room-{id}", auth, func(g *gateway.Namespace[User]) {
		gateway.On(g, "where", func(ctx *Context, _ gateway.None) (string, error) {
			return ctx.Param("id"), nil
		})
	}, nil)
}

// end pattern

// begin parallel
func (c *Cats) registerSlow(g *gateway.Namespace[User]) {
	gateway.On(g, "groom", c.groom).
		Parallel(4).              // up to four of one client, beside its other events
		Patience(5 * time.Minute) // until the client is told "timeout"
}

// end parallel

func (c *Cats) groom(ctx *Context, in Find) (Cat, error) { return c.store.Find(ctx, in.Name) }
