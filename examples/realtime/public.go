package main

import (
	"github.com/kachi-io/kachi/gateway"
)

// What everybody is sent.
var (
	ChatToClient = gateway.NewEvent[Text]("chatToClient")
	NewMessage   = gateway.NewEvent[Message]("newMessage")
)

// Message is what somebody wrote.
type Message struct {
	Text   Text   `json:"text"`
	UserID string `json:"userId"`
}

// Public is the namespace /, for guests as well.
type Public struct{ notifications *Notifications }

// NewPublic makes the gateway of what belongs to everybody: each of the services has its
// part in it.
func NewPublic(visitors Visitors, notifications *Notifications) gateway.Gateway {
	p := &Public{notifications}
	return gateway.New("/", visitors, p.register)
}

func (p *Public) register(g *gateway.Namespace[Visitor]) {
	g.Emits(ChatToClient, NewMessage, DashboardUpdate, DataUpdated)
	gateway.On(g, "events", p.events)
	gateway.Handle(g, "chatToServer", p.chatToServer)
	gateway.Handle(g, "sendMessage", p.sendMessage)
	p.notifications.register(g)
}

// events gives back what it is given.
func (p *Public) events(_ *gateway.Context[Visitor], text Text) (Text, error) { return text, nil }

func (p *Public) chatToServer(ctx *gateway.Context[Visitor], text Text) error {
	return ChatToClient.Emit(ctx, ctx.All(), text)
}

func (p *Public) sendMessage(ctx *gateway.Context[Visitor], text Text) error {
	return NewMessage.Emit(ctx, ctx.All(), Message{text, ctx.Principal.ID})
}
