package store

import (
	"context"
	"errors"
	"time"
)

// Member is a user in a room.
type Member struct {
	User   ID
	Name   string
	Seen   int64 // up to which message
	Joined time.Time
}

const insertMember = `INSERT INTO room_members (user_id, room_id, seen_seq, joined_at) VALUES (?, ?, ?, ?)`

// roomLeft returns [ErrFull] where a user is in so many rooms. Nobody else counts those of that
// user meanwhile.
func (t *tx) roomLeft(user ID, most int64) error {
	var rooms int64
	if err := t.get(`SELECT id FROM users WHERE id = ?`+t.dialect.forUpdate, []any{user}, &rooms); err != nil {
		return err
	}
	if err := t.get(`SELECT COUNT(*) FROM room_members WHERE user_id = ?`, []any{user}, &rooms); err != nil {
		return err
	}
	if rooms >= most {
		return ErrFull
	}
	return nil
}

// Admission is somebody's into a room.
type Admission struct {
	User, Room ID
	Invited    bool // else only into a room that is public, or the user's own
	Now        time.Time
	// MostMembers and MostRooms bound how many members the room has, and in how many rooms the
	// user is.
	MostMembers, MostRooms int64
}

// AddMember makes a user a member of a room, who has seen what is there already, and reports
// whether that is news. [ErrNotFound]: there is no room that the user may enter. [ErrFull]:
// one of the bounds is reached.
func (db *DB) AddMember(ctx context.Context, a Admission) (added bool, err error) {
	err = db.write(ctx, func(tx *tx) error {
		added = false
		var r Room
		if err := tx.lockRoom(a.Room, &r); err != nil {
			return err
		}
		err := tx.get(`SELECT seen_seq FROM room_members WHERE user_id = ? AND room_id = ?`, []any{a.User, a.Room}, new(int64))
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		if r.Private && !a.Invited && r.Owner != a.User {
			return ErrNotFound
		}
		if r.Members >= a.MostMembers {
			return ErrFull
		}
		if err := tx.roomLeft(a.User, a.MostRooms); err != nil {
			return err
		}
		if _, err := tx.exec(insertMember, a.User, a.Room, r.LastSeq, micros(a.Now)); err != nil {
			return err
		}
		added = true
		return tx.change(`UPDATE rooms SET members = members + 1 WHERE id = ?`, a.Room)
	})
	return added, err
}

// RemoveMember ends a membership; [ErrNotFound] where there is none.
func (db *DB) RemoveMember(ctx context.Context, user, room ID) error {
	return db.write(ctx, func(tx *tx) error {
		if err := tx.lockRoom(room, new(Room)); err != nil {
			return err
		}
		if err := tx.change(`DELETE FROM room_members WHERE user_id = ? AND room_id = ?`, user, room); err != nil {
			return err
		}
		return tx.change(`UPDATE rooms SET members = members - 1 WHERE id = ?`, room)
	})
}

const listMembers = `SELECT m.user_id, u.name, m.seen_seq, m.joined_at FROM room_members m JOIN users u ON u.id = m.user_id
	WHERE m.room_id = ? AND m.user_id > ? ORDER BY m.user_id LIMIT ?`

// Members lists a room's members by id, from behind one.
func (db *DB) Members(ctx context.Context, room, after ID, limit int) ([]Member, error) {
	return all(ctx, db, scanMember, listMembers, room, after, limit)
}

func scanMember(row scanner) (m Member, err error) {
	var joined int64
	err = row.Scan(&m.User, &m.Name, &m.Seen, &joined)
	m.Joined = moment(joined)
	return m, err
}

// Memberships lists the rooms that a user is a member of.
func (db *DB) Memberships(ctx context.Context, user ID, limit int) ([]ID, error) {
	return all(ctx, db, scanID, `SELECT room_id FROM room_members WHERE user_id = ? ORDER BY room_id DESC LIMIT ?`, user, limit)
}

// MarkSeen notes that a member has seen a room up to a message, and reports whether that is
// news. [ErrNotFound]: the user is no member.
func (db *DB) MarkSeen(ctx context.Context, user, room ID, seq int64) (further bool, err error) {
	err = db.write(ctx, func(tx *tx) error {
		further = false
		var seen int64
		if err := tx.get(`SELECT seen_seq FROM room_members WHERE user_id = ? AND room_id = ?`+tx.dialect.forUpdate,
			[]any{user, room}, &seen); err != nil {
			return err
		}
		if seq <= seen {
			return nil
		}
		further = true
		return tx.change(`UPDATE room_members SET seen_seq = ? WHERE user_id = ? AND room_id = ?`, seq, user, room)
	})
	return further, err
}
