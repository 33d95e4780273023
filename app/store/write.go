package store

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// tx is a transaction that writes. It belongs to the function that it was given to.
type tx struct {
	ctx     context.Context
	on      querier
	dialect *dialect
	ended   error // see note
}

func (t *tx) exec(query string, args ...any) (sql.Result, error) {
	if t.ended != nil {
		return nil, t.ended
	}
	result, err := t.on.ExecContext(t.ctx, query, args...)
	return result, t.note(err)
}

// note keeps an error with which the database may have ended the transaction by itself: on a
// full disk, say, or for a deadlock. What followed would be committed statement by statement,
// so nothing follows.
func (t *tx) note(err error) error {
	if err != nil && Unavailable(classify(err)) {
		t.ended = err
	}
	return err
}

// insert runs an INSERT and returns the id that the row got.
func (t *tx) insert(query string, args ...any) (ID, error) {
	result, err := t.exec(query, args...)
	if err != nil {
		return 0, err
	}
	id, err := result.LastInsertId()
	return ID(id), err
}

// change runs an UPDATE or DELETE that has to find a row: [ErrNotFound] where it does not.
// Servers are told to count the rows that they find, not those that they change.
func (t *tx) change(query string, args ...any) error {
	n, err := t.count(query, args...)
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	return err
}

// count runs an UPDATE or DELETE and returns how many rows it found.
func (t *tx) count(query string, args ...any) (int64, error) {
	result, err := t.exec(query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// get reads the one row of a query into values; [ErrNotFound] where there is none.
func (t *tx) get(query string, args []any, into ...any) error {
	rows, err := list(t, func(row scanner) (struct{}, error) { return struct{}{}, row.Scan(into...) }, query, args...)
	if err == nil && len(rows) == 0 {
		err = ErrNotFound
	}
	return err
}

// list reads the rows of a query within a transaction.
func list[T any](t *tx, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	if t.ended != nil {
		return nil, t.ended
	}
	rows, err := collect(t.ctx, t.on, scan, query, args...)
	return rows, t.note(err)
}

// writer runs transactions that write.
type writer interface {
	write(ctx context.Context, fn func(*tx) error) error
	close() error
}

// write runs fn in a transaction and returns when it is committed, safely on disk. An error
// of fn undoes it all. fn may run more than once, and touches nothing outside but what it
// sets anew each time.
func (db *DB) write(ctx context.Context, fn func(*tx) error) error {
	err := db.writes.write(ctx, fn)
	db.counts.written(err)
	return db.settle(&db.writing, err)
}

// protected makes an error of a panic, so that it ends one transaction and no others.
func protected(fn func(*tx) error, t *tx) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("store: panic: %v\n%s", v, debug.Stack())
		}
	}()
	if err := fn(t); err != nil {
		return err
	}
	return t.ended // which fn has overlooked
}

// direct runs each transaction on a connection of its own: for servers, which put the
// commits of many together by themselves.
type direct struct {
	pool    *sql.DB
	dialect *dialect
	timeout time.Duration
}

// attempts is how often a transaction is tried that the server chose to end for the sake
// of others.
const attempts = 5

func (d *direct) write(ctx context.Context, fn func(*tx) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	// What has begun is brought to its end: a caller who goes away during the commit would
	// not know what came of it, nor would the log. Who set a time has said so.
	end := time.Now().Add(d.timeout)
	if own, ok := ctx.Deadline(); ok && own.Before(end) {
		end = own
	}
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), end)
	defer cancel()
	for n := range attempts {
		if n > 0 { // those that met come back one after the other
			select {
			case <-time.After(time.Duration(rand.Int64N(int64(20*time.Millisecond) << n))):
			case <-ctx.Done():
				return err
			}
		}
		if err = d.once(ctx, fn); !again(err) {
			return err
		}
	}
	return err
}

func (d *direct) once(ctx context.Context, fn func(*tx) error) error {
	begun, err := d.pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := protected(fn, &tx{ctx: ctx, on: begun, dialect: d.dialect}); err != nil {
		_ = begun.Rollback() // the connection is dropped where that fails
		return err
	}
	return begun.Commit()
}

func (d *direct) close() error { return d.pool.Close() }

// grouped runs all transactions on one connection, one after the other, and commits those
// that wait together: SQLite has one writer, and a commit waits for the disk.
type grouped struct {
	on      *sql.Conn
	by      *prepared
	dialect *dialect
	timeout time.Duration
	most    int // jobs in one transaction
	jobs    chan *job
	ended   chan struct{} // the goroutine's
	stop    chan struct{}
	commits atomic.Uint64
}

// Bounds of what waits for the one writer, and of what is committed at once: others wait
// no longer for a group than for its commit.
const (
	waiting = 1024
	group   = 256
)

type job struct {
	ctx    context.Context
	fn     func(*tx) error
	failed error      // the writer's
	done   chan error // has room for one
}

func newGrouped(on *sql.Conn, d *dialect, timeout time.Duration) *grouped {
	g := &grouped{
		on: on, by: &prepared{by: on}, dialect: d, timeout: timeout, most: group,
		jobs: make(chan *job, waiting), ended: make(chan struct{}), stop: make(chan struct{}),
	}
	go g.run()
	return g
}

func (g *grouped) write(ctx context.Context, fn func(*tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, g.timeout)
	defer cancel()
	j := &job{ctx: ctx, fn: fn, done: make(chan error, 1)}
	select {
	case <-g.stop:
		return ErrClosed
	default:
	}
	select {
	case g.jobs <- j:
	case <-g.stop:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	// From here on the writer answers, and soon: it looks at ctx before it begins.
	select {
	case err := <-j.done:
		return err
	case <-g.ended:
		select {
		case err := <-j.done:
			return err
		default:
			return ErrClosed
		}
	}
}

func (g *grouped) run() {
	defer close(g.ended)
	for {
		select {
		case j := <-g.jobs:
			g.commit(j)
		case <-g.stop:
			return
		}
	}
}

// commit runs a job, and those that wait behind it, in one transaction. Where that comes to
// nothing, by the doing of one of them or for want of room, each has one of its own.
func (g *grouped) commit(first *job) {
	ctx, cancel := context.WithTimeout(context.Background(), g.timeout)
	defer cancel()
	n := 0
	ran, err := g.transaction(ctx, first, func() *job {
		if n++; n < g.most {
			select {
			case j := <-g.jobs:
				return j
			default:
			}
		}
		return nil
	})
	if len(ran) > 1 && err != nil {
		for _, j := range ran {
			if _, err := g.transaction(ctx, j, func() *job { return nil }); err != nil {
				j.failed = err
			}
			j.done <- j.failed
		}
		return
	}
	for _, j := range ran {
		if err != nil {
			j.failed = err
		}
		j.done <- j.failed
	}
}

// transaction runs a job, and those that more returns, and commits them. It returns those
// that ran: what came of each counts only where the whole has come to something, since it may
// have seen what others did.
func (g *grouped) transaction(ctx context.Context, j *job, more func() *job) (ran []*job, err error) {
	if _, err := g.by.ExecContext(ctx, `BEGIN IMMEDIATE`); err != nil {
		return []*job{j}, err
	}
	for ; j != nil && err == nil; j = more() {
		if gone := j.ctx.Err(); gone != nil {
			j.failed = gone
			ran = append(ran, j)
			continue
		}
		j.failed, err = g.savepoint(&tx{ctx: ctx, on: g.by, dialect: g.dialect}, j)
		ran = append(ran, j)
		if err != nil {
			break
		}
	}
	if err == nil {
		// Never interrupted: whether it has happened would not be known.
		if _, err = g.by.ExecContext(context.Background(), `COMMIT`); err == nil {
			g.commits.Add(1)
		}
	}
	if err != nil {
		// SQLite keeps a transaction whose commit failed, unless it has ended it by itself.
		_, _ = g.by.ExecContext(context.Background(), `ROLLBACK`)
	}
	return ran, err
}

// savepoint runs one job so that its failure undoes nothing of others'. broken means that the
// whole transaction cannot go on, and why.
func (g *grouped) savepoint(t *tx, j *job) (failed, broken error) {
	if _, err := t.exec(`SAVEPOINT job`); err != nil {
		return nil, err
	}
	failed = protected(j.fn, t)
	if t.ended != nil {
		return failed, t.ended
	}
	if failed != nil {
		if _, err := t.exec(`ROLLBACK TO job`); err != nil {
			return failed, err
		}
	}
	_, broken = t.exec(`RELEASE job`)
	return failed, broken
}

func (g *grouped) close() error {
	close(g.stop)
	<-g.ended
	g.by.close()
	return g.on.Close()
}
