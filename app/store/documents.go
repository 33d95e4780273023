package store

import (
	"context"
	"errors"
	"time"
)

// Document is a JSON value under a name.
type Document struct {
	Name string
	// Value is JSON, valid UTF-8; nil where there is none: none yet, or none any more.
	Value []byte
	// Version counts the changes, from 1: each has the next number, a deletion too. 0: there
	// has been none.
	Version int64
}

// DocumentChange is what a document is to be.
type DocumentChange struct {
	Name  string
	Value []byte // nil deletes it
	// Expected is asked about what is there now.
	Expected func(now Document) bool
	At       time.Time
	// Maker is whose document it is where there was none, and Most how many a maker has, those
	// included that were deleted, whose versions are kept. 0: it is nobody's.
	Maker ID
	Most  int64
}

// ErrVersion: a document is not what who wants to change it believes it to be.
var ErrVersion = errors.New("store: another version")

// maxDocumentName is what the schema has room for, in ASCII.
const maxDocumentName = 128

func scanDocument(row scanner) (d Document, err error) {
	err = row.Scan(&d.Name, &d.Value, &d.Version)
	return d, err
}

// Document returns a document; one that was never written has the version 0.
func (db *DB) Document(ctx context.Context, name string) (Document, error) {
	d, err := one(ctx, db, scanDocument, `SELECT name, value, version FROM documents WHERE name = ?`, name)
	if errors.Is(err, ErrNotFound) {
		return Document{Name: name}, nil
	}
	return d, err
}

// SetDocument changes a document, and returns what it is then. Where it is not what is
// expected, the error is [ErrVersion], and what is there is returned: of those who expect the
// same version one succeeds. [ErrTooMany]: its maker has most already.
func (db *DB) SetDocument(ctx context.Context, c DocumentChange) (d Document, err error) {
	if len(c.Name) > maxDocumentName {
		return d, errors.New("store: the name of a document is too long")
	}
	for range attempts {
		err = db.write(ctx, func(tx *tx) error {
			return setDocument(tx, &d, &c)
		})
		// Of a document that is not there no row can be locked: who comes second finds it now.
		if !errors.Is(err, ErrExists) {
			return d, err
		}
	}
	return d, unavailable("Too many want to change that at once", err)
}

func setDocument(tx *tx, d *Document, c *DocumentChange) error {
	*d = Document{Name: c.Name}
	there := tx.get(`SELECT value, version FROM documents WHERE name = ?`+tx.dialect.forUpdate, []any{c.Name}, &d.Value, &d.Version)
	if there != nil && !errors.Is(there, ErrNotFound) {
		return there
	}
	if !c.Expected(*d) {
		return ErrVersion
	}
	d.Value = c.Value
	d.Version++
	if there == nil {
		return tx.change(`UPDATE documents SET value = ?, version = ?, updated_at = ? WHERE name = ?`, text(c.Value), d.Version, micros(c.At), c.Name)
	}
	var maker any
	if c.Maker != 0 {
		maker = c.Maker
		if err := tx.documentLeft(c.Maker, c.Most); err != nil {
			return err
		}
	}
	_, err := tx.exec(`INSERT INTO documents (name, value, version, updated_at, maker_id) VALUES (?, ?, ?, ?, ?)`,
		c.Name, text(c.Value), d.Version, micros(c.At), maker)
	return err
}

// documentLeft returns [ErrTooMany] where a user has made so many documents. Nobody else counts
// those of that user meanwhile.
func (t *tx) documentLeft(user ID, most int64) error {
	var made int64
	if err := t.get(`SELECT id FROM users WHERE id = ?`+t.dialect.forUpdate, []any{user}, &made); err != nil {
		return err
	}
	if err := t.get(`SELECT COUNT(*) FROM documents WHERE maker_id = ?`, []any{user}, &made); err != nil {
		return err
	}
	if made >= most {
		return ErrTooMany
	}
	return nil
}

// text is bytes as a column of text takes them; nil is NULL.
func text(b []byte) any {
	if b == nil {
		return nil
	}
	return string(b)
}
