package location

import (
	"time"

	"github.com/kachi-io/kachi/app/account"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/limit"
)

// Context is what handlers are given.
type Context = gateway.Context[account.User]

// Gateway is the namespace /location. It only transmits: positions come by HTTP.
func (l *Locations) Gateway(auth gateway.Authenticator[account.User]) gateway.Gateway {
	return gateway.New(Namespace, auth, l.register)
}

func (l *Locations) register(g *gateway.Namespace[account.User]) {
	g.Emits(Moved, Granted, LeftRoom)
	// A page that comes back joins what it shows at once.
	g.Use(limit.PerPrincipal(20, time.Second, limit.Options{Burst: 200}))
	g.OnConnect(func(ctx *Context) error {
		ctx.Join(devices.Of(ctx.Principal.ID))
		return nil
	})
	gateway.On(g, "join_room", l.join).
		Describe("Watch a location. The answer is the room's name, which is the location's id; the event chat follows, with where the location is.")
	gateway.On(g, "leave_room", l.leave).
		Describe("Watch a location no longer. The answer is the room's name.")
}

func (l *Locations) join(ctx *Context, in Join) (string, error) {
	if in.UserID != nil && *in.UserID != ctx.Principal.ID {
		return "", gateway.Forbidden("You are not this user")
	}
	room := watching.Of(in.LocationID)
	if len(ctx.Rooms()) > maxJoined && !ctx.In(room) { // the device's own is one of them
		return "", gateway.Errorf("full", "A connection watches %d locations at most", maxJoined)
	}
	if _, err := l.Get(ctx, ctx.Principal, in.LocationID); err != nil {
		return "", err
	}
	ctx.Join(room)
	// Asked again: who takes a grant back between the two looks for sockets in the room before
	// this one is in it. And what is stored from now on is told to the room.
	at, err := l.Get(ctx, ctx.Principal, in.LocationID)
	if err != nil {
		ctx.Leave(room)
		return "", err
	}
	name := in.LocationID.String()
	if err := ctx.Ack(name); err != nil { // first, and what follows behind it
		return "", err
	}
	return name, Moved.Emit(ctx, ctx.Client(), moveOf(onWire(at)))
}

func (l *Locations) leave(ctx *Context, in Join) (string, error) {
	ctx.Leave(watching.Of(in.LocationID))
	return in.LocationID.String(), nil
}
