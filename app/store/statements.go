package store

import (
	"context"
	"database/sql"
	"sync"
)

// querier runs statements: a *sql.DB, a *sql.Tx, or one of these that prepares them.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// prepared prepares each statement once, for SQLite: parsing takes longer than running most.
// The texts are constants of this package, so that there are never many. (Servers are sent
// text with the values in it: preparing would be another way there and back.)
type prepared struct {
	by interface { // a *sql.DB or a *sql.Conn
		PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
	}
	mu         sync.RWMutex
	statements map[string]*sql.Stmt
}

func (p *prepared) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	p.mu.RLock()
	stmt := p.statements[query]
	p.mu.RUnlock()
	if stmt != nil {
		return stmt, nil
	}
	made, err := p.by.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if stmt = p.statements[query]; stmt != nil { // somebody was faster
		_ = made.Close()
		return stmt, nil
	}
	if p.statements == nil {
		p.statements = map[string]*sql.Stmt{}
	}
	p.statements[query] = made
	return made, nil
}

func (p *prepared) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	stmt, err := p.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	return stmt.ExecContext(ctx, args...)
}

func (p *prepared) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	stmt, err := p.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args...)
}

// close closes the statements; they know of their own what they were prepared by.
func (p *prepared) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, stmt := range p.statements {
		_ = stmt.Close() // the connection is closed next
	}
	clear(p.statements)
}

// scanner is a row.
type scanner interface{ Scan(into ...any) error }

// one reads the one row of a query outside a transaction; [ErrNotFound] where there is none.
func one[T any](ctx context.Context, db *DB, scan func(scanner) (T, error), query string, args ...any) (v T, err error) {
	rows, err := all(ctx, db, scan, query, args...)
	if err == nil && len(rows) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return v, err
	}
	return rows[0], nil
}

// all reads the rows of a query outside a transaction; never nil, so that JSON has a list.
// A query bounds its rows, with LIMIT or by a key.
func all[T any](ctx context.Context, db *DB, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	bounded, cancel := context.WithTimeout(ctx, db.timeout)
	defer cancel()
	rows, err := collect(bounded, db.reads, scan, query, args...)
	if err != nil && ctx.Err() != nil { // the caller has gone away, not the database
		return nil, ctx.Err()
	}
	return rows, db.settle(&db.reading, err)
}

func collect[T any](ctx context.Context, q querier, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := []T{}
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, rows.Err()
}
