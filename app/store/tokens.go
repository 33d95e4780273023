package store

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/kachi-io/kachi/gateway"
)

// Family is what one sign-in began: a chain of refresh tokens of which one is good at a
// time. Tokens are known by their SHA-256 alone.
type Family struct {
	ID      string
	User    ID
	Token   []byte
	Expires time.Time
}

// ErrReused: a token was shown that was replaced before, by whoever has it now. Its family
// is ended.
var ErrReused = errors.New("store: the token was replaced already")

// AddFamily stores a new family of a user whose password still has that hash, and returns
// the user as it is now; [ErrNotFound] where the password is another. A user has at most so
// many families: the oldest make room, and are returned.
func (db *DB) AddFamily(ctx context.Context, f Family, password string, now time.Time, most int) (u User, ended []string, err error) {
	err = db.write(ctx, func(tx *tx) error {
		users, err := list(tx, scanUser, `SELECT `+userColumns+` FROM users WHERE id = ? AND password = ?`+tx.dialect.forUpdate, f.User, password)
		if err != nil {
			return err
		}
		if len(users) == 0 {
			return ErrNotFound
		}
		u = users[0]
		if _, err := tx.exec(`INSERT INTO token_families (id, user_id, token, rotated_at, expires_at) VALUES (?, ?, ?, ?, ?)`,
			f.ID, f.User, f.Token, micros(now), micros(f.Expires)); err != nil {
			return err
		}
		ended, err = list(tx, scanString, `SELECT id FROM token_families WHERE user_id = ? ORDER BY rotated_at DESC, id LIMIT 100 OFFSET ?`, f.User, most)
		if err != nil {
			return err
		}
		for _, id := range ended {
			if _, err := tx.exec(`DELETE FROM token_families WHERE id = ?`, id); err != nil {
				return err
			}
		}
		return nil
	})
	return u, ended, err
}

// RotateFamily replaces the token of a family, and returns whose it is. [ErrNotFound]: there
// is no such family, or its time is over. [ErrReused]: see there; the user is returned, too.
func (db *DB) RotateFamily(ctx context.Context, id string, shown, next []byte, now, expires time.Time) (ID, error) {
	var user ID
	var reused bool
	err := db.write(ctx, func(tx *tx) error {
		reused = false
		var token []byte
		var ends int64
		err := tx.get(`SELECT user_id, token, expires_at FROM token_families WHERE id = ?`+tx.dialect.forUpdate,
			[]any{id}, &user, &token, &ends)
		if err != nil {
			return err
		}
		if ends <= micros(now) {
			return ErrNotFound
		}
		if bytes.Equal(token, shown) { // both are hashes: the time that this takes says nothing of a token
			return tx.change(`UPDATE token_families SET token = ?, previous = ?, rotated_at = ?, expires_at = ? WHERE id = ?`,
				next, shown, micros(now), micros(expires), id)
		}
		// A family's id is in none but its own tokens: whoever knows it has had one of them.
		reused = true
		_, err = tx.exec(`DELETE FROM token_families WHERE id = ?`, id)
		return err
	})
	if err == nil && reused {
		err = ErrReused
	}
	return user, err
}

// EndFamily forgets a family; that it is not there is no error.
func (db *DB) EndFamily(ctx context.Context, id string) error {
	return db.write(ctx, func(tx *tx) error {
		_, err := tx.exec(`DELETE FROM token_families WHERE id = ?`, id)
		return err
	})
}

// EndFamilies forgets all families of a user.
func (db *DB) EndFamilies(ctx context.Context, user ID) error {
	return db.write(ctx, func(tx *tx) error {
		_, err := tx.exec(`DELETE FROM token_families WHERE user_id = ?`, user)
		return err
	})
}

// DropExpired removes token families and revocations whose time is over, up to so many of
// each, and reports whether there may be more.
func (db *DB) DropExpired(ctx context.Context, now time.Time, most int) (more bool, err error) {
	err = db.write(ctx, func(tx *tx) error {
		families, err := tx.count(tx.dialect.either(
			`DELETE FROM token_families WHERE id IN (SELECT id FROM token_families WHERE expires_at <= ? LIMIT ?)`,
			`DELETE FROM token_families WHERE expires_at <= ? LIMIT ?`), micros(now), most)
		if err != nil {
			return err
		}
		revoked, err := tx.count(tx.dialect.either(
			`DELETE FROM revocations WHERE name IN (SELECT name FROM revocations WHERE ends_at <= ? LIMIT ?)`,
			`DELETE FROM revocations WHERE ends_at <= ? LIMIT ?`), micros(now), most)
		more = max(families, revoked) >= int64(most)
		return err
	})
	return more, err
}

// Revocations is a [gateway.Revocations] that survives restarts, and that all servers of a
// database share.
func (db *DB) Revocations() gateway.Revocations { return revocations{db} }

type revocations struct{ db *DB }

func (r revocations) Add(ctx context.Context, v gateway.Revocation) error {
	name := "key:" + v.Key
	if v.Token != "" {
		name = "token:" + v.Token
	}
	return r.db.write(ctx, func(tx *tx) error {
		_, err := tx.exec(tx.dialect.either(
			`INSERT INTO revocations (name, at, ends_at) VALUES (?, ?, ?)
			 ON CONFLICT (name) DO UPDATE SET at = MAX(at, excluded.at), ends_at = MAX(ends_at, excluded.ends_at)`,
			`INSERT INTO revocations (name, at, ends_at) VALUES (?, ?, ?)
			 ON DUPLICATE KEY UPDATE at = GREATEST(at, VALUES(at)), ends_at = GREATEST(ends_at, VALUES(ends_at))`),
			name, micros(v.At), micros(v.Until))
		return err
	})
}

func (r revocations) Revoked(ctx context.Context, key, token string, issued time.Time) (bool, error) {
	by, err := all(ctx, r.db, scanRevocation, `SELECT name, at FROM revocations WHERE name IN (?, ?) AND ends_at > ? LIMIT 2`,
		"key:"+key, "token:"+token, micros(time.Now()))
	for _, v := range by {
		// A token that is taken back is so whenever it was issued; of a principal, what was
		// issued until then.
		if v.name == "token:"+token && token != "" || v.name == "key:"+key && key != "" && !issued.After(v.at) {
			return true, nil
		}
	}
	return false, err
}

type revocation struct {
	name string
	at   time.Time
}

func scanRevocation(row scanner) (v revocation, err error) {
	var at int64
	err = row.Scan(&v.name, &at)
	v.at = moment(at)
	return v, err
}

func scanString(row scanner) (s string, err error) {
	err = row.Scan(&s)
	return s, err
}
