package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"math"
	"slices"
	"time"
)

// Notification is something that a user is told, wherever they are.
type Notification struct {
	ID      ID
	User    ID
	Title   string
	Body    string
	Data    []byte // JSON, nil where there is none
	Request []byte // what knows a retry: 32 bytes, or nil
	Created time.Time
	Read    time.Time // zero while it is unread
}

// NotificationBox is what a user has of notifications. Version counts the changes: what was
// added, read or removed.
type NotificationBox struct {
	User    ID
	Version int64
	Kept    int64
	Unread  int64
}

// StoredNotification is what became of one that was to be stored.
type StoredNotification struct {
	Notification
	Known bool            // a retry: it had been stored before
	Box   NotificationBox // with it, as far as this one goes; not of one that was known
}

const notificationColumns = `id, user_id, title, body, data, created_at, read_at`

func scanNotification(row scanner) (n Notification, err error) {
	var created int64
	var data sql.NullString
	var read sql.NullInt64
	err = row.Scan(&n.ID, &n.User, &n.Title, &n.Body, &data, &created, &read)
	n.Created = moment(created)
	if data.Valid {
		n.Data = []byte(data.String)
	}
	if read.Valid {
		n.Read = moment(read.Int64)
	}
	return n, err
}

// AddNotifications stores notifications, all or none, and returns what became of each, in
// their order. A user keeps at most so many: of those that have been read the oldest make
// room first, then the oldest of all. The users exist (see [DB.MissingUsers]). One with
// the Request of another is not stored again: it is Known, or [ErrExists] where it
// says something else.
func (db *DB) AddNotifications(ctx context.Context, list []Notification, most int) ([]StoredNotification, error) {
	order := make([]int, len(list))
	for i := range order {
		order[i] = i
	}
	// Users in one order, so that two who write to the same ones do not wait for each other.
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(list[a].User, list[b].User) })

	stored := make([]StoredNotification, len(list))
	add := func(tx *tx) error {
		var box NotificationBox
		for at, i := range order {
			if user := list[i].User; user != box.User {
				var err error
				if box, err = tx.openBox(user); err != nil {
					return err
				}
			}
			var err error
			if stored[i], err = tx.addNotification(&box, list[i], int64(most)); err != nil {
				return err
			}
			if at == len(order)-1 || list[order[at+1]].User != box.User {
				if err := tx.saveBox(box); err != nil {
					return err
				}
			}
		}
		return nil
	}
	err := db.write(ctx, add)
	if errors.Is(err, ErrExists) { // a retry overtook the first, or met another user's
		err = db.write(ctx, add)
	}
	if err != nil {
		return nil, err
	}
	return stored, nil
}

func (t *tx) addNotification(box *NotificationBox, n Notification, most int64) (StoredNotification, error) {
	if n.Request != nil {
		known, err := list(t, scanNotification, `SELECT `+notificationColumns+` FROM notifications WHERE request = ? LIMIT 1`, n.Request)
		if err != nil {
			return StoredNotification{}, err
		}
		if len(known) == 1 {
			k := known[0]
			if k.User != n.User || k.Title != n.Title || k.Body != n.Body || string(k.Data) != string(n.Data) {
				return StoredNotification{}, ErrExists
			}
			return StoredNotification{Notification: k, Known: true}, nil
		}
	}
	n.Created = n.Created.UTC().Truncate(time.Microsecond)
	data := sql.NullString{String: string(n.Data), Valid: n.Data != nil}
	var err error
	if n.ID, err = t.insert(`INSERT INTO notifications (user_id, title, body, data, request, created_at) VALUES (?, ?, ?, ?, ?, ?)`,
		n.User, n.Title, n.Body, data, n.Request, micros(n.Created)); err != nil {
		return StoredNotification{}, err
	}
	box.Version++
	box.Kept++
	box.Unread++
	err = t.trimBox(box, most)
	return StoredNotification{Notification: n, Box: *box}, err
}

// trimBox removes what is too much: mostly the one that the newest takes the place of.
func (t *tx) trimBox(box *NotificationBox, most int64) error {
	for box.Kept > most {
		old, err := list(t, scanID, `SELECT id FROM notifications WHERE user_id = ? AND read_at IS NOT NULL ORDER BY id LIMIT 1`, box.User)
		if err != nil {
			return err
		}
		if len(old) == 0 {
			if old, err = list(t, scanID, `SELECT id FROM notifications WHERE user_id = ? ORDER BY id LIMIT 1`, box.User); err != nil {
				return err
			}
			box.Unread--
		}
		for _, id := range old {
			if err := t.change(`DELETE FROM notifications WHERE id = ?`, id); err != nil {
				return err
			}
		}
		box.Kept--
	}
	return nil
}

// openBox reads a user's box, and keeps it from others until the transaction ends.
func (t *tx) openBox(user ID) (NotificationBox, error) {
	// Where it is there already this only takes the lock.
	if _, err := t.exec(t.dialect.either(
		`INSERT INTO notification_boxes (user_id, version, kept, unread) VALUES (?, 0, 0, 0) ON CONFLICT (user_id) DO NOTHING`,
		`INSERT INTO notification_boxes (user_id, version, kept, unread) VALUES (?, 0, 0, 0) ON DUPLICATE KEY UPDATE user_id = user_id`),
		user); err != nil {
		return NotificationBox{}, err
	}
	box := NotificationBox{User: user}
	err := t.get(`SELECT version, kept, unread FROM notification_boxes WHERE user_id = ?`+t.dialect.forUpdate,
		[]any{user}, &box.Version, &box.Kept, &box.Unread)
	return box, err
}

func (t *tx) saveBox(box NotificationBox) error {
	return t.change(`UPDATE notification_boxes SET version = ?, kept = ?, unread = ? WHERE user_id = ?`,
		box.Version, box.Kept, box.Unread, box.User)
}

// NotificationBox returns what a user has of notifications: nothing, where they never had
// any.
func (db *DB) NotificationBox(ctx context.Context, user ID) (NotificationBox, error) {
	box, err := one(ctx, db, func(row scanner) (b NotificationBox, err error) {
		err = row.Scan(&b.User, &b.Version, &b.Kept, &b.Unread)
		return b, err
	}, `SELECT user_id, version, kept, unread FROM notification_boxes WHERE user_id = ?`, user)
	if errors.Is(err, ErrNotFound) {
		return NotificationBox{User: user}, nil
	}
	return box, err
}

// Notifications returns a user's notifications, the newest first: those before one (0:
// from the newest), and perhaps only those that are unread.
func (db *DB) Notifications(ctx context.Context, user, before ID, unread bool, limit int) ([]Notification, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	if unread {
		return all(ctx, db, scanNotification, `SELECT `+notificationColumns+` FROM notifications
			WHERE user_id = ? AND read_at IS NULL AND id < ? ORDER BY id DESC LIMIT ?`, user, before, limit)
	}
	return all(ctx, db, scanNotification, `SELECT `+notificationColumns+` FROM notifications
		WHERE user_id = ? AND id < ? ORDER BY id DESC LIMIT ?`, user, before, limit)
}

// ReadNotifications marks those as read that are not yet, and returns these. Ids that a user
// does not have are left out; [ErrNotFound] where they have none of them.
func (db *DB) ReadNotifications(ctx context.Context, user ID, ids []ID, now time.Time) (box NotificationBox, read []ID, err error) {
	err = db.write(ctx, func(tx *tx) (err error) {
		read = nil
		if box, err = tx.openBox(user); err != nil {
			return err
		}
		found := 0
		for _, id := range ids {
			was, err := list(tx, scanRead, `SELECT read_at FROM notifications WHERE id = ? AND user_id = ?`, id, user)
			if err != nil {
				return err
			}
			found += len(was)
			if len(was) == 0 || was[0] {
				continue
			}
			if err := tx.change(`UPDATE notifications SET read_at = ? WHERE id = ?`, micros(now), id); err != nil {
				return err
			}
			read = append(read, id)
		}
		if found == 0 {
			return ErrNotFound
		}
		if len(read) == 0 {
			return nil
		}
		box.Version++
		box.Unread -= int64(len(read))
		return tx.saveBox(box)
	})
	return box, read, err
}

// ReadAllNotifications marks all as read up to an id (0: to the newest), and returns how many
// that were.
func (db *DB) ReadAllNotifications(ctx context.Context, user, upTo ID, now time.Time) (box NotificationBox, read int64, err error) {
	if upTo == 0 {
		upTo = math.MaxInt64
	}
	err = db.write(ctx, func(tx *tx) (err error) {
		if box, err = tx.openBox(user); err != nil {
			return err
		}
		read, err = tx.count(`UPDATE notifications SET read_at = ? WHERE user_id = ? AND read_at IS NULL AND id <= ?`, micros(now), user, upTo)
		if err != nil || read == 0 {
			return err
		}
		box.Version++
		box.Unread -= read
		return tx.saveBox(box)
	})
	return box, read, err
}

// DropNotifications removes what was stored before a time, of a number of users, and returns
// their boxes; none where nothing is left to do.
func (db *DB) DropNotifications(ctx context.Context, before time.Time, users int) (boxes []NotificationBox, err error) {
	err = db.write(ctx, func(tx *tx) error {
		boxes = nil
		owners, err := list(tx, scanID, `SELECT DISTINCT user_id FROM (SELECT user_id FROM notifications WHERE created_at < ? ORDER BY created_at LIMIT ?) AS old ORDER BY user_id`,
			micros(before), users)
		if err != nil {
			return err
		}
		for _, user := range owners {
			box, err := tx.openBox(user)
			if err != nil {
				return err
			}
			unread, err := tx.count(`DELETE FROM notifications WHERE user_id = ? AND read_at IS NULL AND created_at < ?`, user, micros(before))
			if err != nil {
				return err
			}
			read, err := tx.count(`DELETE FROM notifications WHERE user_id = ? AND created_at < ?`, user, micros(before))
			if err != nil {
				return err
			}
			box.Version++
			box.Kept -= unread + read
			box.Unread -= unread
			if err := tx.saveBox(box); err != nil {
				return err
			}
			boxes = append(boxes, box)
		}
		return nil
	})
	return boxes, err
}

// scanRead reports whether there is a time of reading.
func scanRead(row scanner) (bool, error) {
	var at sql.NullInt64
	err := row.Scan(&at)
	return at.Valid, err
}
