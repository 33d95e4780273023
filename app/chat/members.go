package chat

import (
	"context"
	"errors"

	"github.com/kachi-io/kachi/app/account"
	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/gateway"
)

var (
	errTooManyRooms = gateway.NewError("too_many_rooms", "You are in too many rooms, or have opened too many")
	errFull         = gateway.NewError("room_full", "There are too many members in this room, or too many rooms that they are in")
	errGone         = gateway.NewError(gateway.CodeConflict, "You have left the room meanwhile")
)

// join returns a room that somebody is a member of, now if not before: whoever may see a room
// may join it.
func (c *Chat) join(ctx context.Context, user account.User, room store.ID) (store.RoomView, error) {
	v, err := c.view(ctx, user, room)
	if err != nil || v.Member {
		return v, err
	}
	if _, err := c.admit(ctx, user.ID, room, false); err != nil {
		return v, err
	}
	return c.view(ctx, user, room)
}

// admit makes somebody a member, and reports whether that is news.
func (c *Chat) admit(ctx context.Context, user, room store.ID, invited bool) (news bool, err error) {
	news, err = c.db.AddMember(ctx, store.Admission{User: user, Room: room, Invited: invited, Now: c.now(), MostMembers: maxMembers, MostRooms: maxRooms})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return false, errNoRoom
	case errors.Is(err, store.ErrFull):
		return false, errFull
	case news:
		c.tell("member", c.to(devices.Of(user)).Join(ctx, members.Of(room)))
		// A membership that was ended in between ended before their sockets heard of it.
		if v, err := c.db.RoomFor(ctx, user, room); err == nil && v.Member {
			return news, nil
		}
		c.tell("member", c.to(devices.Of(user)).Leave(ctx, members.Of(room)))
	}
	return news, err
}

// Invite makes somebody else a member: those who are may do that, and the owner.
func (c *Chat) Invite(ctx context.Context, by account.User, room, user store.ID) error {
	v, err := c.view(ctx, by, room)
	if err == nil && !v.Member && v.Owner != by.ID {
		err = errNoMember
	}
	if err != nil {
		return err
	}
	if _, err := c.db.User(ctx, user); errors.Is(err, store.ErrNotFound) {
		return gateway.NotFound("There is no such user")
	} else if err != nil {
		return err
	}
	news, err := c.admit(ctx, user, room, true)
	if err == nil && news {
		c.invited(context.WithoutCancel(ctx), user, Invitation{roomName(v.Room), participant(by)})
	}
	return err
}

// invited tells somebody who is a member now, on the devices that are here and, where they are
// away, when they come back. That they are a member is not undone because that fails.
func (c *Chat) invited(ctx context.Context, user store.ID, in Invitation) {
	c.tell("invited", Invited.Emit(ctx, c.to(devices.Of(user)), in))
	title := "Invitation to " + in.Name
	if err := c.notices.Notify(ctx, user, title, in.By.Name+" has invited you.", InvitationNotice{"invitation", in}); err != nil {
		c.log.Error("chat: an invitation was not noted", "room", in.Room, "user", user, "error", err)
	}
}

// Exclude ends somebody's membership: the owner may, and everybody their own. others is
// everybody but the device that asks for it.
func (c *Chat) Exclude(ctx context.Context, by account.User, room, user store.ID, others gateway.Target) error {
	v, err := c.view(ctx, by, room)
	if err == nil && user != by.ID && v.Owner != by.ID {
		err = gateway.Forbidden("Only the room's owner may put others out")
	}
	if err != nil {
		return err
	}
	if err := c.db.RemoveMember(ctx, user, room); errors.Is(err, store.ErrNotFound) {
		return gateway.NotFound("Nobody of that id is a member of the room")
	} else if err != nil {
		return err
	}
	leave := func() { c.tell("removed", c.to(devices.Of(user)).Leave(ctx, entered.Of(room), members.Of(room))) }
	c.presence.Expel(room, user, func(p Participant) {
		leave() // first, so that they do not hear of their own end
		c.left(ctx, room, p)
	})
	leave() // also those who were not there; behind Expel, after which nobody comes in who had only knocked
	reason := reasonExcluded
	if user == by.ID {
		reason = reasonLeft
	}
	c.tell("removed", Removed.Emit(ctx, others.To(devices.Of(user)), Removal{roomName(v.Room), reason}))
	return nil
}

func (c *Chat) left(ctx context.Context, room store.ID, who Participant) {
	c.tell("userLeft", UserLeft.Emit(ctx, c.to(entered.Of(room)), Move{who, room}))
}

// Members lists a room's members from behind one, and the member behind whom the next page
// begins, or 0.
func (c *Chat) Members(ctx context.Context, user account.User, room, after store.ID, limit int) (list []Member, next store.ID, err error) {
	if _, err := c.view(ctx, user, room); err != nil {
		return nil, 0, err
	}
	page, err := c.db.Members(ctx, room, after, limit)
	list = make([]Member, len(page))
	for i, m := range page {
		list[i] = Member{Participant{m.User, m.Name}, m.Seen, m.Joined}
	}
	if len(page) == limit {
		next = page[limit-1].User
	}
	return list, next, err
}
