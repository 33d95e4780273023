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
	taken, times := j.stats.Running, j.stats.Overlapped+1
	if taken {
		j.stats.Overlapped = times
	} else {
		j.stats.Running = true
	}
	j.mu.Unlock()
	if taken {
		j.log.Warn("a job was left out: its last run still goes on", "times", times)
	}
	return !taken
}

// tick runs the job once, if it is this node's to run and somebody listens.
func (j *Job) tick(ctx context.Context) {
	defer func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.stats.Running = false
	}()
	if !j.delayed(ctx) {
		return
	}
	leads := j.leads(ctx)
	heard := leads && j.heard(ctx)
	switch {
	case ctx.Err() != nil: // the app stops: what was just found out may come from that
	case !leads:
		j.count(&j.stats.Elsewhere)
	case !heard:
		j.count(&j.stats.Unheard)
	default:
		j.count(&j.stats.Runs)
		if err := j.limited(ctx, j.run); err != nil {
			j.count(&j.stats.Failed)
			j.report(ctx, err)
		}
	}
}

func (j *Job) count(n *int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	*n++
}

// delayed waits for the jitter, and reports whether the app still runs then.
func (j *Job) delayed(ctx context.Context) bool {
	if j.o.Jitter == 0 {
		return true
	}
	part := 0.0
	if err := protected(func() error { part = j.o.Random(); return nil }); err != nil {
		j.report(ctx, fmt.Errorf("asking Random: %w", err))
	}
	return pause(ctx, time.Duration(part*float64(j.o.Jitter)))
}

// leads reports whether this node runs the job.
func (j *Job) leads(ctx context.Context) (yes bool) {
	if j.o.Leader == nil {
		return true
	}
	err := j.limited(ctx, func(ctx context.Context) (err error) {
		yes, err = j.o.Leader(ctx)
		return err
	})
	if err != nil {
		j.report(ctx, fmt.Errorf("asking who leads: %w", err))
	}
	return yes && err == nil
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

// limited calls f with a context of the job's time-out.
func (j *Job) limited(ctx context.Context, f func(context.Context) error) error {
	if j.o.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, j.o.Timeout)
		defer cancel()
	}
	return protected(func() error { return f(ctx) })
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
