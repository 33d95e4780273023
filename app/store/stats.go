package store

import (
	"database/sql"
	"sync/atomic"
)

// Stats are a database's figures: totals since it was opened, and how it is now.
type Stats struct {
	Up       bool   // no operation has met one that does not work, for some seconds
	Waiting  int    // transactions in the queue of the one writer; 0 for servers, which have none
	Writes   uint64 // transactions that were committed
	Failed   uint64 // transactions that were not, also for reasons of the caller's
	Commits  uint64 // of Writes, together: fewer where several wait
	Open     int    // connections
	InUse    int    // connections that are at work
	Awaiting uint64 // how often somebody had to wait for a connection
}

type counts struct{ writes, failed atomic.Uint64 }

func (c *counts) written(err error) {
	if err != nil {
		c.failed.Add(1)
	} else {
		c.writes.Add(1)
	}
}

// Stats returns the figures.
func (db *DB) Stats() Stats {
	s := Stats{Up: !db.reading.failing.Load() && !db.writing.failing.Load(), Writes: db.counts.writes.Load(), Failed: db.counts.failed.Load()}
	var pool *sql.DB
	switch w := db.writes.(type) {
	case *grouped:
		s.Waiting, s.Commits = len(w.jobs), w.commits.Load()
		if p, ok := db.reads.(*prepared); ok {
			pool, _ = p.by.(*sql.DB)
		}
		s.Open++ // the writer's, which is at work while there is something to write
	case *direct:
		pool, s.Commits = w.pool, s.Writes
	}
	if pool != nil {
		p := pool.Stats()
		s.Open += p.OpenConnections
		s.InUse, s.Awaiting = p.InUse, uint64(p.WaitCount)
	}
	return s
}
