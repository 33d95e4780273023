package schedule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/kachi-io/kachi/socketio"
)

// schedule is the jobs of one call of With, while the app runs.
type schedule struct {
	jobs []*Job
	end  context.CancelFunc
	work sync.WaitGroup
}

// start begins to keep the jobs' times. Its own context ends when everything has started.
func (s *schedule) start(ctx context.Context) error {
	ctx, s.end = context.WithCancel(context.WithoutCancel(ctx))
	for _, j := range s.jobs {
		first := j.plan(time.Now(), time.Now())
		s.work.Go(func() { s.keep(ctx, j, first) })
	}
	return nil
}

// stop ends the jobs and waits for them.
func (s *schedule) stop(ctx context.Context) error {
	s.end()
	done := make(chan struct{})
	go func() {
		s.work.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	var running []string
	for _, j := range s.jobs {
		if j.Stats().Running {
			running = append(running, j.o.Name)
		}
	}
	return fmt.Errorf("these jobs still run: %s: %w", strings.Join(running, ", "), context.Cause(ctx))
}

// plan says when the job's next tick is.
func (j *Job) plan(last, now time.Time) time.Time {
	next := j.next(last, now)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.stats.Next = next
	return next
}

// keep has a job run at its times.
func (s *schedule) keep(ctx context.Context, j *Job, next time.Time) {
	for !next.IsZero() {
		if !await(ctx, next) {
			return
		}
		now := time.Now()
		if j.begin() {
			s.work.Go(func() { j.tick(ctx) })
		}
		if next.After(now) { // by a clock that is a little ahead of the timer's
			now = next
		}
		next = j.plan(next, now)
	}
}

// glance is how long is waited before the clock is looked at again: one may be set.
const glance = time.Minute

// await waits for a time, and reports whether it has come.
func await(ctx context.Context, at time.Time) bool {
	for {
		left := time.Until(at)
		if left <= 0 {
			return ctx.Err() == nil
		}
		if !pause(ctx, min(left, glance)) {
			return false
		}
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// begin takes the job's one turn, if nobody has it.
func (j *Job) begin() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.stats.Running {
		j.stats.Overlapped++
		j.log.Warn("a job was left out: its last run still goes on", "times", j.stats.Overlapped)
		return false
	}
	j.stats.Running = true
	return true
}

// tick runs the job once, if somebody listens.
func (j *Job) tick(ctx context.Context) {
	defer func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.stats.Running = false
	}()
	if j.o.Jitter > 0 && !pause(ctx, time.Duration(j.o.Random()*float64(j.o.Jitter))) {
		return
	}
	if !j.heard(ctx) {
		j.count(&j.stats.Unheard)
		return
	}
	j.count(&j.stats.Runs)
	if err := j.once(ctx); err != nil {
		j.count(&j.stats.Failed)
		j.report(ctx, err)
	}
}

func (j *Job) count(n *int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	*n++
}

// heard reports whether somebody is there for what the job does.
func (j *Job) heard(ctx context.Context) (yes bool) {
	if j.o.WhenListened == nil {
		return true
	}
	n := 0
	err := protected(func() (err error) {
		n, err = j.o.WhenListened().Count(ctx)
		return err
	})
	if err != nil {
		j.report(ctx, fmt.Errorf("counting who listens: %w", err))
		return true
	}
	return n > 0
}

func (j *Job) once(ctx context.Context) error {
	if j.o.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, j.o.Timeout)
		defer cancel()
	}
	return protected(func() error { return j.run(ctx) })
}

func protected(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &socketio.PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return f()
}

// report logs an error, at Info where it comes from the app's stop.
func (j *Job) report(ctx context.Context, err error) {
	level, attrs := slog.LevelError, []any{"error", err}
	var panicked *socketio.PanicError
	switch {
	case errors.As(err, &panicked):
		attrs = append(attrs, "stack", string(panicked.Stack))
	case ctx.Err() != nil:
		level = slog.LevelInfo
	}
	j.log.Log(ctx, level, "job failed", attrs...)
}
