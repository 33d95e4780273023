package fromnest

import (
	"context"
	"log/slog"

	"github.com/kachi-io/kachi/gateway"
)

// begin hooks
func (n *Nest) register(g *gateway.Namespace[User]) {
	g.Emits(Moved)
	g.OnConnect(n.arrived)
	g.OnDisconnecting(n.leaving)
	g.OnDisconnect(n.left)
}

// arrived runs when the client is known, before its first event. An error disconnects it.
func (n *Nest) arrived(ctx *Context) error {
	ctx.Join(rooms.Of(ctx.Principal.ID))
	return nil
}

// leaving still knows the rooms, and the reason.
func (n *Nest) leaving(ctx *Context, reason gateway.Reason) error {
	n.log.Info("leaving", "rooms", ctx.Rooms(), "reason", reason)
	return nil
}

// left runs last of all.
func (n *Nest) left(ctx *Context, _ gateway.Reason) error {
	return n.forget(ctx, ctx.Principal)
}

// end hooks

// Nest is a gateway with hooks.
type Nest struct {
	log    *slog.Logger
	forget func(context.Context, User) error
}

var rooms = gateway.NewRooms("nest")

// begin start
func start(app *gateway.App, db Database) {
	// Before the app listens; and when the last client has gone.
	app.OnStart("database", db.Open, db.Close)
}

// end start

// Database is a part that is opened and closed.
type Database interface {
	Open(context.Context) error
	Close(context.Context) error
}

// begin emitter
// Moved tells that somebody has moved.
var Moved = gateway.NewEvent[string]("moved")

// Moves is a service: it knows who is told, and no gateway.
type Moves struct{ emitter gateway.Emitter }

func (m *Moves) Tell(ctx context.Context, user, where string) error {
	return Moved.Emit(ctx, m.emitter.Namespace("/nest").To(rooms.Of(user)), where)
}

// end emitter

// begin scope
// cart is made for a socket when it is first asked for, and closed with the socket.
var cart = gateway.NewState(
	func(c *gateway.Call) (*Cart, error) { return OpenCart(c) },
	(*Cart).Close,
)

func put(ctx *Context, item string) (int, error) {
	cart, err := cart.Of(ctx)
	if err != nil {
		return 0, err
	}
	return cart.Add(item), nil
}

// end scope

// Cart belongs to one socket, whose events come one after the other.
type Cart struct{ items []string }

// OpenCart opens one.
func OpenCart(context.Context) (*Cart, error) { return &Cart{}, nil }

// Add returns how many items there are.
func (c *Cart) Add(item string) int {
	c.items = append(c.items, item)
	return len(c.items)
}

// Close closes it.
func (c *Cart) Close() error { return nil }
