package main

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/kachi-io/kachi/gateway"
)

// Post is what the pages of the namespace send: a text, in the second version, or a text
// with a nickname, in the third.
type Post struct {
	Message  Text   `json:"message"`
	Nickname string `json:"nickname"`
}

// UnmarshalJSON implements [json.Unmarshaler].
func (p *Post) UnmarshalJSON(data []byte) error {
	if json.Unmarshal(data, &p.Message) == nil {
		return nil
	}
	type fields Post // without this method
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode((*fields)(p)); err != nil || p.Nickname == "" {
		return gateway.NewError(gateway.CodeBadRequest, "A message is a text, or {message, nickname}")
	}
	return nil
}

// Validate implements [gateway.Validated].
func (p Post) Validate(ctx context.Context) error {
	if p.Nickname != "" {
		if err := checkNickname(p.Nickname); err != nil {
			return err
		}
	}
	return p.Message.Validate(ctx)
}

// Project is the namespace /project/chat.
type Project struct {
	// claim is the nickname that each socket has taken.
	claim *gateway.State[*Claim]
}

// NewProject makes the gateway.
func NewProject() gateway.Gateway {
	names := NewNicknames()
	p := &Project{gateway.NewState(
		func(*gateway.Call) (*Claim, error) { return &Claim{of: names}, nil },
		(*Claim).Release,
	)}
	return gateway.New("/project/chat", gateway.Anyone, p.register)
}

func (p *Project) register(g *gateway.Namespace[gateway.Nobody]) {
	g.Emits(Line)
	g.Use(rate())
	gateway.Handle(g, "message", p.message)
}

func (p *Project) message(ctx *Context, post Post) error {
	if post.Nickname == "" {
		return Line.Emit(ctx, ctx.All(), "User-"+label(ctx)+" : "+string(post.Message))
	}
	claim, err := p.claim.Of(ctx)
	if err != nil {
		return err
	}
	if err := claim.Take(post.Nickname); err != nil {
		return err
	}
	return Line.Emit(ctx, ctx.Others(), post.Nickname+": "+string(post.Message))
}
