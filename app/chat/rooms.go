package chat

import (
	"context"
	"errors"

	"github.com/kachi-io/kachi/app/account"
	"github.com/kachi-io/kachi/app/label"
	"github.com/kachi-io/kachi/app/store"
)

// Open makes a room, whose owner and first member is who asks.
func (c *Chat) Open(ctx context.Context, by account.User, name string, private bool) (Room, error) {
	name, err := label.Of("name", name, 1, maxRoomName)
	if err != nil {
		return Room{}, err
	}
	r, err := c.db.AddRoom(ctx, store.Room{Name: name, Private: private, Owner: by.ID, Created: c.now()}, maxRooms)
	if errors.Is(err, store.ErrFull) {
		return Room{}, errTooManyRooms
	}
	if err != nil {
		return Room{}, err
	}
	c.tell("member", c.to(devices.Of(by.ID)).Join(ctx, members.Of(r.ID)))
	return roomOf(store.RoomView{Room: r, Member: true}), nil
}

// Room returns a room as somebody has it.
func (c *Chat) Room(ctx context.Context, user account.User, id store.ID) (Room, error) {
	v, err := c.view(ctx, user, id)
	return roomOf(v), err
}

// Rooms lists the rooms that somebody may see, or has, the newest first, and the room behind
// which the next page begins, or 0.
func (c *Chat) Rooms(ctx context.Context, user account.User, before store.ID, mine bool, limit int) (rooms []Room, next store.ID, err error) {
	list, err := c.db.Rooms(ctx, user.ID, before, mine, limit)
	rooms = make([]Room, len(list))
	for i, v := range list {
		rooms[i] = roomOf(v)
	}
	if len(list) == limit {
		next = list[limit-1].ID
	}
	return rooms, next, err
}

// Change gives a room another name, or has it be private or public; nil changes nothing. Its
// owner may do that.
func (c *Chat) Change(ctx context.Context, by account.User, id store.ID, name *string, private *bool) (Room, error) {
	v, err := c.view(ctx, by, id)
	if err == nil && v.Owner != by.ID {
		err = errNotOwner
	}
	if err != nil {
		return Room{}, err
	}
	if name != nil {
		checked, err := label.Of("name", *name, 1, maxRoomName)
		if err != nil {
			return Room{}, err
		}
		name = &checked
	}
	v.Room, err = c.db.ChangeRoom(ctx, id, name, private)
	if errors.Is(err, store.ErrNotFound) {
		return Room{}, errNoRoom
	}
	if err != nil {
		return Room{}, err
	}
	c.tell("roomChanged", RoomChanged.Emit(ctx, c.to(members.Of(id)), roomName(v.Room)))
	return roomOf(v), nil
}

// Remove removes a room: its owner may, and an administrator.
func (c *Chat) Remove(ctx context.Context, by account.User, id store.ID) error {
	v, err := c.db.RoomFor(ctx, by.ID, id)
	if errors.Is(err, store.ErrNotFound) {
		return errNoRoom
	}
	if err != nil {
		return err
	}
	if !by.Admin() {
		if v, err = c.view(ctx, by, id); err != nil {
			return err
		}
		if v.Owner != by.ID {
			return errNotOwner
		}
	}
	if err := c.db.RemoveRoom(ctx, id); errors.Is(err, store.ErrNotFound) {
		return errNoRoom
	} else if err != nil {
		return err
	}
	c.presence.Close(id)
	c.tell("removed", Removed.Emit(ctx, c.to(members.Of(id)), Removal{roomName(v.Room), reasonClosed}))
	c.tell("removed", c.to(members.Of(id)).Leave(ctx, entered.Of(id), members.Of(id)))
	if err := c.Tidy(context.WithoutCancel(ctx)); err != nil { // the next time, then: the room is no more
		c.log.WarnContext(ctx, "chat: messages of removed rooms are left", "error", err)
	}
	return nil
}

// Tidy removes messages of rooms that are no more, up to some thousands. What is left it
// removes the next time.
func (c *Chat) Tidy(ctx context.Context) error {
	for range purgesAtOnce {
		if more, err := c.db.PurgeRooms(ctx, purgeAtOnce); err != nil || !more {
			return err
		}
	}
	return nil
}
