// Command guide is what docs/gateways.md builds: a room where people leave notes.
package main

import (
	"context"
	"log"
	"log/slog"
	"os"
	"os/signal"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/validate"
)

// begin types
// Note is what clients send.
type Note struct {
	Board string `json:"board" validate:"required,max=30"`
	Text  string `json:"text" validate:"required,max=500"`
}

// Receipt is what they get back.
type Receipt struct {
	Number int `json:"number"`
}

// Noted is what others are told.
var Noted = gateway.NewEvent[Note]("noted")

// end types

// begin gateway
// Board is the namespace /notes.
type Board struct{ store *Store }

var boards = gateway.NewRooms("board")

type Context = gateway.Context[gateway.Nobody]

func NewBoard(store *Store) gateway.Gateway {
	b := &Board{store}
	return gateway.New("/notes", gateway.Anyone, b.register)
}

func (b *Board) register(g *gateway.Namespace[gateway.Nobody]) {
	g.Emits(Noted)
	gateway.Handle(g, "watch", b.watch)
	gateway.On(g, "note", b.note)
}

func (b *Board) watch(ctx *Context, board string) error {
	ctx.Join(boards.Of(board))
	return nil
}

func (b *Board) note(ctx *Context, in Note) (Receipt, error) {
	number, err := b.store.Add(ctx, in)
	if err != nil {
		return Receipt{}, err
	}
	return Receipt{number}, Noted.Emit(ctx, ctx.To(boards.Of(in.Board)), in)
}

// end gateway

// begin main
func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	app, err := gateway.NewApp(&gateway.Options{
		Validator: validate.New(nil),
		Logger:    slog.Default(),
	}, NewBoard(&Store{}))
	if err != nil {
		log.Fatal(err)
	}
	if err := app.ListenAndServe(ctx, ":3000", nil); err != nil {
		log.Fatal(err)
	}
}

// end main
