package store

import (
	"context"
	"errors"
	"math"
	"time"
)

// Room is a place where people chat.
type Room struct {
	ID      ID
	Name    string
	Private bool // only members know of it
	Owner   ID   // who may not be a member
	LastSeq int64
	Members int64 // how many
	Created time.Time
}

// RoomView is a room as one user has it.
type RoomView struct {
	Room
	Member bool
	Seen   int64    // up to which message, for a member
	Last   *Message // nil where there is none
}

// Unread is how many messages the user has not seen.
func (v RoomView) Unread() int64 {
	if !v.Member {
		return 0
	}
	return v.LastSeq - v.Seen
}

// ErrFull: there is no room for one more.
var ErrFull = errors.New("store: full")

const roomColumns = `r.id, r.name, r.private, r.owner_id, r.last_seq, r.members, r.created_at`

func (r *Room) fields(created *int64) []any {
	return []any{&r.ID, &r.Name, &r.Private, &r.Owner, &r.LastSeq, &r.Members, created}
}

// viewColumns has a room, the user's membership (m), and its last message (l, by u).
const viewColumns = roomColumns + `, m.seen_seq, COALESCE(l.id, 0), COALESCE(l.seq, 0), COALESCE(l.sender_id, 0), COALESCE(u.name, ''),
	COALESCE(l.client_id, ''), COALESCE(l.body, ''), COALESCE(l.sent_at, 0), COALESCE(l.edited_at, 0), COALESCE(l.deleted_at, 0), COALESCE(l.version, 0)`

const viewJoins = ` LEFT JOIN room_members m ON m.user_id = ? AND m.room_id = r.id
	LEFT JOIN messages l ON l.room_id = r.id AND l.seq = r.last_seq
	LEFT JOIN users u ON u.id = l.sender_id`

func scanView(row scanner) (v RoomView, err error) {
	var created, sent, edited, deleted int64
	var seen *int64
	var last Message
	err = row.Scan(append(v.fields(&created), &seen, &last.ID, &last.Seq, &last.Sender, &last.SenderName,
		&last.ClientID, &last.Text, &sent, &edited, &deleted, &last.Version)...)
	v.Created = moment(created)
	if seen != nil {
		v.Member, v.Seen = true, *seen
	}
	if last.ID != 0 {
		last.Room = v.ID
		last.times(sent, edited, deleted)
		v.Last = &last
	}
	return v, err
}

// AddRoom stores a new room, whose owner is its first member. [ErrFull]: the owner is in most
// rooms already, or has as many.
func (db *DB) AddRoom(ctx context.Context, r Room, most int64) (Room, error) {
	r.Created, r.Members, r.LastSeq = r.Created.UTC().Truncate(time.Microsecond), 1, 0
	err := db.write(ctx, func(tx *tx) (err error) {
		if err := tx.roomLeft(r.Owner, most); err != nil {
			return err
		}
		var own int64 // also those that the owner has left
		if err := tx.get(`SELECT COUNT(*) FROM rooms WHERE owner_id = ?`, []any{r.Owner}, &own); err != nil {
			return err
		}
		if own >= most {
			return ErrFull
		}
		r.ID, err = tx.insert(`INSERT INTO rooms (name, private, owner_id, last_seq, members, created_at) VALUES (?, ?, ?, 0, 1, ?)`,
			r.Name, r.Private, r.Owner, micros(r.Created))
		if err != nil {
			return err
		}
		_, err = tx.exec(insertMember, r.Owner, r.ID, 0, micros(r.Created))
		return err
	})
	return r, err
}

// RoomFor returns a room as a user has it.
func (db *DB) RoomFor(ctx context.Context, user, room ID) (RoomView, error) {
	return one(ctx, db, scanView, `SELECT `+viewColumns+` FROM rooms r`+viewJoins+` WHERE r.id = ?`, user, room)
}

const (
	roomsOfUser = `SELECT room_id AS id FROM (SELECT room_id FROM room_members WHERE user_id = ? AND room_id < ? ORDER BY room_id DESC LIMIT ?) AS joined
		UNION SELECT id FROM (SELECT id FROM rooms WHERE owner_id = ? AND id < ? ORDER BY id DESC LIMIT ?) AS owned`
	openRooms = ` UNION SELECT id FROM (SELECT id FROM rooms WHERE private = 0 AND id < ? ORDER BY id DESC LIMIT ?) AS open_to_all`

	listMine = `SELECT ` + viewColumns + ` FROM (` + roomsOfUser + `) AS page JOIN rooms r ON r.id = page.id` + viewJoins +
		` ORDER BY r.id DESC LIMIT ?`
	listAll = `SELECT ` + viewColumns + ` FROM (` + roomsOfUser + openRooms + `) AS page JOIN rooms r ON r.id = page.id` + viewJoins +
		` ORDER BY r.id DESC LIMIT ?`
)

// Rooms lists the rooms that a user may see, the newest first: those that the user is a member
// or the owner of, and unless mine, public ones. before is a room's id, or 0 for the first
// page.
func (db *DB) Rooms(ctx context.Context, user, before ID, mine bool, limit int) ([]RoomView, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	if mine {
		return all(ctx, db, scanView, listMine, user, before, limit, user, before, limit, user, limit)
	}
	return all(ctx, db, scanView, listAll, user, before, limit, user, before, limit, before, limit, user, limit)
}

// ChangeRoom changes a room's name and whether it is private, and returns it as it is then. nil
// leaves what somebody else may be changing.
func (db *DB) ChangeRoom(ctx context.Context, id ID, name *string, private *bool) (r Room, err error) {
	err = db.write(ctx, func(tx *tx) error {
		r = Room{}
		if err := tx.lockRoom(id, &r); err != nil {
			return err
		}
		if name != nil {
			r.Name = *name
		}
		if private != nil {
			r.Private = *private
		}
		return tx.change(`UPDATE rooms SET name = ?, private = ? WHERE id = ?`, r.Name, r.Private, id)
	})
	return r, err
}

// RemoveRoom removes a room with its members. Its messages cannot be had any more; they go
// by [DB.PurgeRooms].
func (db *DB) RemoveRoom(ctx context.Context, id ID) error {
	return db.write(ctx, func(tx *tx) error {
		if err := tx.lockRoom(id, new(Room)); err != nil {
			return err
		}
		if _, err := tx.exec(`DELETE FROM room_members WHERE room_id = ?`, id); err != nil {
			return err
		}
		if _, err := tx.exec(`DELETE FROM rooms WHERE id = ?`, id); err != nil {
			return err
		}
		_, err := tx.exec(`INSERT INTO removed_rooms (id) VALUES (?)`, id)
		return err
	})
}

// PurgeRooms removes up to so many messages of rooms that were removed, and reports whether
// there are more.
func (db *DB) PurgeRooms(ctx context.Context, most int) (more bool, err error) {
	rooms, err := all(ctx, db, scanID, `SELECT id FROM removed_rooms ORDER BY id LIMIT 1`)
	if err != nil || len(rooms) == 0 {
		return false, err
	}
	err = db.write(ctx, func(tx *tx) error {
		result, err := tx.exec(tx.dialect.either(
			`DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE room_id = ? LIMIT ?)`,
			`DELETE FROM messages WHERE room_id = ? LIMIT ?`), rooms[0], most)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n >= int64(most) {
			return err
		}
		_, err = tx.exec(`DELETE FROM removed_rooms WHERE id = ?`, rooms[0])
		return err
	})
	return true, err
}

// lockRoom reads a room, which then stays as it is until the transaction ends. Whoever
// changes a room's members or messages does this first.
func (t *tx) lockRoom(id ID, r *Room) error {
	var created int64
	err := t.get(`SELECT `+roomColumns+` FROM rooms r WHERE r.id = ?`+t.dialect.forUpdate, []any{id}, r.fields(&created)...)
	r.Created = moment(created)
	return err
}

func scanID(row scanner) (id ID, err error) {
	err = row.Scan(&id)
	return id, err
}
