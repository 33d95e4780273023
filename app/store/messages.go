package store

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"
)

// Message is what somebody wrote in a room.
type Message struct {
	ID         ID
	Room       ID
	Seq        int64 // within the room: 1, 2, 3, …
	Sender     ID
	SenderName string
	ClientID   string // what the sender's program calls it, "" where it does not
	Text       string // "" when it was deleted
	Sent       time.Time
	Edited     time.Time // zero: never
	Deleted    time.Time // zero: not
	Version    int64     // counts changes, from 1
}

const messageColumns = `m.id, m.room_id, m.seq, m.sender_id, u.name, COALESCE(m.client_id, ''), m.body, m.sent_at, m.edited_at, m.deleted_at, m.version`

const fromMessages = ` FROM messages m JOIN users u ON u.id = m.sender_id`

func (m *Message) fields(sent, edited, deleted *int64) []any {
	return []any{&m.ID, &m.Room, &m.Seq, &m.Sender, &m.SenderName, &m.ClientID, &m.Text, sent, edited, deleted, &m.Version}
}

func (m *Message) times(sent, edited, deleted int64) {
	m.Sent = moment(sent)
	if edited != 0 {
		m.Edited = moment(edited)
	}
	if deleted != 0 {
		m.Deleted = moment(deleted)
	}
}

func scanMessage(row scanner) (m Message, err error) {
	var sent, edited, deleted int64
	err = row.Scan(m.fields(&sent, &edited, &deleted)...)
	m.times(sent, edited, deleted)
	return m, err
}

// NewMessage is one that is to be stored.
type NewMessage struct {
	Sender     ID
	SenderName string
	ClientID   string
	Text       string
}

// Added is what came of a [NewMessage].
type Added struct {
	Message
	Again bool  // it was stored before, under its client id: this is that one, as it is now
	Err   error // [ErrNotFound]: its sender is no member of the room
}

// AddMessages stores messages of one room, in their order and in one transaction, and says
// what came of each. A sender has seen the room up to what it wrote. [ErrNotFound]: there is
// no such room.
func (db *DB) AddMessages(ctx context.Context, room ID, messages []NewMessage, now time.Time) ([]Added, error) {
	now = now.UTC().Truncate(time.Microsecond)
	added := make([]Added, len(messages))
	err := db.write(ctx, func(tx *tx) error {
		var r Room
		if err := tx.lockRoom(room, &r); err != nil {
			return err
		}
		before := r.LastSeq
		for i, n := range messages {
			added[i] = Added{Message: Message{Room: room, Seq: r.LastSeq + 1, Sender: n.Sender, SenderName: n.SenderName,
				ClientID: n.ClientID, Text: n.Text, Sent: now, Version: 1}}
			switch err := tx.addMessage(&added[i]); {
			case errors.Is(err, ErrNotFound):
				added[i].Err = err
			case err != nil:
				return err
			case !added[i].Again:
				r.LastSeq++
			}
		}
		if r.LastSeq == before {
			return nil
		}
		return tx.change(`UPDATE rooms SET last_seq = ? WHERE id = ?`, r.LastSeq, room)
	})
	return added, err
}

const messageByClient = `SELECT ` + messageColumns + fromMessages + ` WHERE m.room_id = ? AND m.sender_id = ? AND m.client_id = ?`

// addMessage stores one, in a room that is locked.
func (t *tx) addMessage(a *Added) error {
	if a.ClientID != "" {
		known, err := list(t, scanMessage, messageByClient, a.Room, a.Sender, a.ClientID)
		if err != nil {
			return err
		}
		if len(known) > 0 {
			a.Message, a.Again = known[0], true
			return t.get(`SELECT seen_seq FROM room_members WHERE user_id = ? AND room_id = ?`, []any{a.Sender, a.Room}, new(int64))
		}
	}
	if err := t.change(`UPDATE room_members SET seen_seq = ? WHERE user_id = ? AND room_id = ?`, a.Seq, a.Sender, a.Room); err != nil {
		return err // who is no member has no row
	}
	var clientID any
	if a.ClientID != "" {
		clientID = a.ClientID
	}
	var err error
	a.ID, err = t.insert(`INSERT INTO messages (room_id, seq, sender_id, client_id, body, sent_at, edited_at, deleted_at, version)
		VALUES (?, ?, ?, ?, ?, ?, 0, 0, 1)`, a.Room, a.Seq, a.Sender, clientID, a.Text, micros(a.Sent))
	return err
}

// Message returns a message. Its room may be one that was removed.
func (db *DB) Message(ctx context.Context, id ID) (Message, error) {
	return one(ctx, db, scanMessage, `SELECT `+messageColumns+fromMessages+` WHERE m.id = ?`, id)
}

const (
	historyBefore = `SELECT ` + messageColumns + fromMessages + ` WHERE m.room_id = ? AND m.seq < ? ORDER BY m.seq DESC LIMIT ?`
	historyAfter  = `SELECT ` + messageColumns + fromMessages + ` WHERE m.room_id = ? AND m.seq > ? ORDER BY m.seq LIMIT ?`
)

// MessagesBefore returns the last messages of a room before a number, the oldest first; 0
// stands for the end.
func (db *DB) MessagesBefore(ctx context.Context, room ID, seq int64, limit int) ([]Message, error) {
	if seq == 0 {
		seq = math.MaxInt64
	}
	page, err := all(ctx, db, scanMessage, historyBefore, room, seq, limit)
	slices.Reverse(page)
	return page, err
}

// MessagesAfter returns the first messages of a room after a number, the oldest first.
func (db *DB) MessagesAfter(ctx context.Context, room ID, seq int64, limit int) ([]Message, error) {
	return all(ctx, db, scanMessage, historyAfter, room, seq, limit)
}

// EditMessage changes the text of a message. [ErrNotFound]: there is none, it was deleted, or
// its sender is no member of the room any more.
func (db *DB) EditMessage(ctx context.Context, id ID, text string, now time.Time) (Message, error) {
	return db.changeMessage(ctx, id, `UPDATE messages SET body = ?, edited_at = ?, version = version + 1 WHERE id = ? AND deleted_at = 0
		AND EXISTS (SELECT 1 FROM room_members WHERE room_members.user_id = messages.sender_id AND room_members.room_id = messages.room_id)`,
		text, micros(now), id)
}

// DeleteMessage takes the text of a message away; its place stays. [ErrNotFound]: there is
// none, or it was deleted before.
func (db *DB) DeleteMessage(ctx context.Context, id ID, now time.Time) (Message, error) {
	return db.changeMessage(ctx, id, `UPDATE messages SET body = '', deleted_at = ?, version = version + 1 WHERE id = ? AND deleted_at = 0`,
		micros(now), id)
}

func (db *DB) changeMessage(ctx context.Context, id ID, change string, args ...any) (m Message, err error) {
	err = db.write(ctx, func(tx *tx) error {
		if err := tx.change(change, args...); err != nil {
			return err
		}
		var sent, edited, deleted int64
		err := tx.get(`SELECT `+messageColumns+fromMessages+` WHERE m.id = ?`, []any{id}, m.fields(&sent, &edited, &deleted)...)
		m.times(sent, edited, deleted)
		return err
	})
	return m, err
}
