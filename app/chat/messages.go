package chat

import (
	"context"
	"errors"

	"github.com/kachi-io/kachi/app/account"
	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/gateway"
)

// Post stores a message and tells the room, the device that sends it included. One that was
// stored before, under its client id, is answered as it was then, and not told again.
func (c *Chat) Post(ctx context.Context, by account.User, in Post) (Receipt, error) {
	p := &posting{ctx: ctx, post: store.NewMessage{Sender: by.ID, SenderName: by.Name, ClientID: in.ClientID, Text: in.Message}}
	err := c.turns.take(in.Room, p)
	if errors.Is(err, store.ErrNotFound) { // no room, or no member: the same to those who may not know
		if _, err := c.view(ctx, by, in.Room); err != nil {
			return Receipt{}, err
		}
		return Receipt{}, errNoMember
	}
	if err != nil {
		return Receipt{}, err
	}
	return Receipt{p.got.ID, p.got.Sent, p.got.Seq}, nil
}

// storeAndTell works off a batch of one room's messages.
func (c *Chat) storeAndTell(room store.ID, batch []*posting) {
	list := make([]store.NewMessage, len(batch))
	for i, p := range batch {
		list[i] = p.post
	}
	// Whoever works for others does so to the end, also when its own client has gone.
	added, err := c.db.AddMessages(context.WithoutCancel(batch[0].ctx), room, list, c.now())
	last := int64(0)
	for i, p := range batch {
		if p.err = err; err == nil {
			p.got, p.err = added[i], added[i].Err
		}
		if p.err != nil || p.got.Again {
			continue
		}
		last = p.got.Seq
		c.tell("message", Posted.Emit(p.ctx, c.to(entered.Of(room)), message(p.got.Message)))
	}
	if last == 0 {
		return
	}
	elsewhere := func(target gateway.Target) gateway.Target { return target.Except(entered.Of(room)) }
	c.tell("activity", Activity.Emit(batch[0].ctx, elsewhere(c.to(members.Of(room))), News{room, last}))
	for _, p := range batch {
		if p.err == nil && !p.got.Again { // who writes has seen what is above it
			c.tell("unread", Unread.Emit(p.ctx, elsewhere(c.to(devices.Of(p.post.Sender))),
				Reading{room, last - p.got.Seq, p.got.Seq, last}))
		}
	}
}

// Edit changes the text of a message: its sender may, as long as they are a member.
func (c *Chat) Edit(ctx context.Context, by account.User, in Edit) (Message, error) {
	m, err := c.message(ctx, in.ID)
	if err == nil {
		err = c.mayEdit(ctx, by, m)
	}
	if err != nil {
		return Message{}, err
	}
	edited, err := c.db.EditMessage(ctx, in.ID, in.Message, c.now())
	if errors.Is(err, store.ErrNotFound) { // it was deleted meanwhile, or its sender put out
		if err := c.mayEdit(ctx, by, m); err != nil {
			return Message{}, err
		}
		return Message{}, gateway.NotFound("The message was deleted")
	}
	if err != nil {
		return Message{}, err
	}
	c.tell("messageEdited", MessageEdited.Emit(ctx, c.to(entered.Of(edited.Room)), message(edited)))
	return message(edited), nil
}

func (c *Chat) mayEdit(ctx context.Context, by account.User, m store.Message) error {
	v, err := c.view(ctx, by, m.Room)
	switch {
	case errors.Is(err, errNoRoom):
		return errNoMessage
	case err != nil:
		return err
	case m.Sender != by.ID:
		return gateway.Forbidden("Only who wrote a message may change it")
	case !v.Member:
		return errNoMember
	}
	return nil
}

// Delete takes the text of a message away: its sender may, the room's owner, and an
// administrator. That it was done before is no error.
func (c *Chat) Delete(ctx context.Context, by account.User, id store.ID) (Message, error) {
	m, err := c.message(ctx, id)
	if err != nil {
		return Message{}, err
	}
	if !by.Admin() {
		v, err := c.view(ctx, by, m.Room)
		switch {
		case errors.Is(err, errNoRoom):
			return Message{}, errNoMessage
		case err != nil:
			return Message{}, err
		case m.Sender != by.ID && v.Owner != by.ID:
			return Message{}, gateway.Forbidden("Only who wrote a message, or the room's owner, may delete it")
		}
	}
	deleted, err := c.db.DeleteMessage(ctx, id, c.now())
	if errors.Is(err, store.ErrNotFound) {
		return message(m), nil
	}
	if err != nil {
		return Message{}, err
	}
	c.tell("messageDeleted", MessageDeleted.Emit(ctx, c.to(entered.Of(m.Room)), message(deleted)))
	return message(deleted), nil
}

func (c *Chat) message(ctx context.Context, id store.ID) (store.Message, error) {
	m, err := c.db.Message(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		err = errNoMessage
	}
	return m, err
}

// See notes that somebody has seen a room up to a message. others is everybody but the
// device that says so.
func (c *Chat) See(ctx context.Context, by account.User, in SeenUpTo, others gateway.Target) (Reading, error) {
	v, err := c.memberView(ctx, by, in.Room)
	if err != nil {
		return Reading{}, err
	}
	m, err := c.message(ctx, in.ID)
	if err == nil && m.Room != in.Room {
		err = errNoMessage
	}
	if err != nil || m.Seq <= v.Seen { // nothing is written for what is known
		return reading(v), err
	}
	further, err := c.db.MarkSeen(ctx, by.ID, in.Room, m.Seq)
	if errors.Is(err, store.ErrNotFound) {
		err = errNoMember
	}
	if err != nil {
		return Reading{}, err
	}
	v.Seen, v.LastSeq = max(v.Seen, m.Seq), max(v.LastSeq, m.Seq)
	if further {
		c.tell("unread", Unread.Emit(ctx, others.To(devices.Of(by.ID)), reading(v)))
		if v.Members <= maxWatched {
			c.tell("seen", Seen.Emit(ctx, others.To(entered.Of(in.Room)), Sight{in.Room, by.ID, m.ID, m.Seq}))
		}
	}
	return reading(v), nil
}

// History returns a page of a room's messages, the oldest first, and the message from which
// the next page goes on, or 0: that before a message (0: the last of all), or that after one.
func (c *Chat) History(ctx context.Context, user account.User, room, before, after store.ID, limit int) (page []Message, next store.ID, err error) {
	v, err := c.view(ctx, user, room)
	if err != nil {
		return nil, 0, err
	}
	var seq int64
	if from := max(before, after); from != 0 {
		if before != 0 && after != 0 {
			return nil, 0, gateway.Invalid(gateway.FieldError{Path: "after", Rule: "excluded_with", Param: "before", Message: "Before and after exclude each other"})
		}
		m, err := c.db.Message(ctx, from)
		if errors.Is(err, store.ErrNotFound) || err == nil && m.Room != room {
			return nil, 0, gateway.NotFound("There is no such message in the room")
		}
		if err != nil {
			return nil, 0, err
		}
		seq = m.Seq
	}
	var list []store.Message
	if after != 0 {
		list, err = c.db.MessagesAfter(ctx, room, seq, limit)
		if n := len(list); n == limit && list[n-1].Seq < v.LastSeq {
			next = list[n-1].ID
		}
	} else {
		list, err = c.db.MessagesBefore(ctx, room, seq, limit)
		if len(list) > 0 && list[0].Seq > 1 {
			next = list[0].ID
		}
	}
	return messages(list), next, err
}
