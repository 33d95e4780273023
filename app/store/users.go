package store

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// User is somebody with an account.
type User struct {
	ID       ID
	Name     string
	Password string // a hash
	Role     string
	Created  time.Time
}

const userColumns = `id, name, password, role, created_at`

func scanUser(row scanner) (u User, err error) {
	var created int64
	err = row.Scan(&u.ID, &u.Name, &u.Password, &u.Role, &created)
	u.Created = moment(created)
	return u, err
}

// AddUser stores a new user, and returns it with its id. key is its name as names are
// compared: [ErrExists] where somebody has it. The first user of all gets the role first
// instead of its own.
func (db *DB) AddUser(ctx context.Context, u User, key, first string) (User, error) {
	return db.addUser(ctx, u, key, first, false)
}

// ErrNotFirst: there are users already.
var ErrNotFirst = errors.New("store: there are users already")

// AddFirstUser is AddUser for the first of all, and [ErrNotFirst] for others.
func (db *DB) AddFirstUser(ctx context.Context, u User, key, first string) (User, error) {
	return db.addUser(ctx, u, key, first, true)
}

func (db *DB) addUser(ctx context.Context, u User, key, first string, alone bool) (User, error) {
	u.Created = u.Created.UTC().Truncate(time.Microsecond)
	role := u.Role
	err := db.write(ctx, func(tx *tx) (err error) {
		u.Role = role
		// Nobody else is the first meanwhile.
		var users int
		if err := tx.get(`SELECT id FROM readiness WHERE id = 1`+tx.dialect.forUpdate, nil, &users); err != nil {
			return err
		}
		if err := tx.get(`SELECT COUNT(*) FROM (SELECT id FROM users LIMIT 1) AS some`, nil, &users); err != nil {
			return err
		}
		switch {
		case users == 0:
			u.Role = first
		case alone:
			return ErrNotFirst
		}
		u.ID, err = tx.insert(`INSERT INTO users (name, name_key, password, role, created_at) VALUES (?, ?, ?, ?, ?)`,
			u.Name, key, u.Password, u.Role, micros(u.Created))
		return err
	})
	return u, err
}

// User returns a user.
func (db *DB) User(ctx context.Context, id ID) (User, error) {
	return one(ctx, db, scanUser, `SELECT `+userColumns+` FROM users WHERE id = ?`, id)
}

// UserByName returns the user of a name, as names are compared.
func (db *DB) UserByName(ctx context.Context, key string) (User, error) {
	return one(ctx, db, scanUser, `SELECT `+userColumns+` FROM users WHERE name_key = ?`, key)
}

// FindUsers returns the users whose names, as they are compared, begin with a text, by name.
func (db *DB) FindUsers(ctx context.Context, prefix string, limit int) ([]User, error) {
	return all(ctx, db, scanUser, `SELECT `+userColumns+` FROM users WHERE name_key >= ? AND name_key < ? ORDER BY name_key LIMIT ?`,
		prefix, prefix+"\U0010FFFF", limit)
}

// MissingUsers returns those of some ids that are no user's.
func (db *DB) MissingUsers(ctx context.Context, ids []ID) ([]ID, error) {
	numbers := make([]int64, len(ids))
	for i, id := range ids {
		numbers[i] = int64(id)
	}
	asked, err := json.Marshal(numbers)
	if err != nil {
		return nil, err
	}
	return all(ctx, db, scanID, db.dialect.either(
		`SELECT value FROM json_each(?) AS asked WHERE NOT EXISTS (SELECT 1 FROM users WHERE users.id = asked.value)`,
		`SELECT id FROM JSON_TABLE(?, '$[*]' COLUMNS (id BIGINT PATH '$')) AS asked WHERE NOT EXISTS (SELECT 1 FROM users WHERE users.id = asked.id)`),
		string(asked))
}

// ErrLast: nobody would have the role any more that somebody has to have.
var ErrLast = errors.New("store: the last one with that role")

// SetRole changes what a user may do. Somebody keeps the role needed: [ErrLast].
func (db *DB) SetRole(ctx context.Context, id ID, role, needed string) error {
	return db.write(ctx, func(tx *tx) error {
		// Nobody else gives theirs up meanwhile.
		var n int
		if err := tx.get(`SELECT id FROM readiness WHERE id = 1`+tx.dialect.forUpdate, nil, &n); err != nil {
			return err
		}
		if err := tx.change(`UPDATE users SET role = ? WHERE id = ?`, role, id); err != nil {
			return err
		}
		if err := tx.get(`SELECT COUNT(*) FROM (SELECT id FROM users WHERE role = ? LIMIT 1) AS some`, []any{needed}, &n); err != nil {
			return err
		}
		if n == 0 {
			return ErrLast
		}
		return nil
	})
}

// SetPassword changes the password of a user who still has the old one, and ends all its token
// families. [ErrNotFound]: the password is another.
func (db *DB) SetPassword(ctx context.Context, id ID, old, hash string) error {
	return db.write(ctx, func(tx *tx) error {
		if err := tx.change(`UPDATE users SET password = ? WHERE id = ? AND password = ?`, hash, id, old); err != nil {
			return err
		}
		_, err := tx.exec(`DELETE FROM token_families WHERE user_id = ?`, id)
		return err
	})
}
