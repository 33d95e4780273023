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

// SetDocument replaces a document's value, or deletes it where value is nil, and returns what
// it is then. expected is asked about what is there now: where it says no, the error is
// [ErrVersion], and what is there is returned. Of those who expect the same version one
// succeeds.
func (db *DB) SetDocument(ctx context.Context, name string, value []byte, expected func(now Document) bool, at time.Time) (d Document, err error) {
	if len(name) > maxDocumentName {
		return d, errors.New("store: the name of a document is too long")
	}
	for range attempts {
		err = db.write(ctx, func(tx *tx) error {
			return setDocument(tx, &d, name, value, expected, at)
		})
		// Of a document that is not there no row can be locked: who comes second finds it now.
		if !errors.Is(err, ErrExists) {
			return d, err
		}
	}
	return d, unavailable("Too many want to change that at once", err)
}

func setDocument(tx *tx, d *Document, name string, value []byte, expected func(Document) bool, at time.Time) error {
	*d = Document{Name: name}
	there := tx.get(`SELECT value, version FROM documents WHERE name = ?`+tx.dialect.forUpdate, []any{name}, &d.Value, &d.Version)
	if there != nil && !errors.Is(there, ErrNotFound) {
		return there
	}
	if !expected(*d) {
		return ErrVersion
	}
	d.Value = value
	d.Version++
	if there != nil {
		_, err := tx.exec(`INSERT INTO documents (name, value, version, updated_at) VALUES (?, ?, ?, ?)`, name, text(value), d.Version, micros(at))
		return err
	}
	return tx.change(`UPDATE documents SET value = ?, version = ?, updated_at = ? WHERE name = ?`, text(value), d.Version, micros(at), name)
}

// text is bytes as a column of text takes them; nil is NULL.
func text(b []byte) any {
	if b == nil {
		return nil
	}
	return string(b)
}
