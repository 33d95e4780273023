// Package schedule runs something over and over while an app does:
//
//	err := schedule.With(app,
//		schedule.Every(5*time.Second, dashboard.update, schedule.Options{WhenListened: func() gateway.Target {
//			return hub.Namespace("/dashboard").Local()
//		}}),
//		schedule.Cron("0 4 * * mon-fri", reports.make, schedule.Options{TimeZone: seoul}),
//	)
//
// Jobs begin when the app starts, and end when it stops, which waits for them. A job never
// runs twice at once in one app. Each node of a cluster runs the jobs: let what they send be
// [gateway.Target.Local], or say which node it is that runs them: Options.Leader.
package schedule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/kachi-io/kachi/gateway"
)

// Options are what else can be said of a job. The zero value is the default of every field.
type Options struct {
	// Name is what logs and errors call the job. Default its interval or expression, and
	// its source line.
	Name string
	// Leader reports whether this node is the one of its cluster that runs the job. It is
	// asked before each run, and not during one: while leadership passes on, two nodes may
	// be at work for a moment, so what must not happen twice needs more. Where it fails,
	// that is logged, and the job is not run. ctx ends when the app stops, or after Timeout.
	// Default: every node runs the job.
	Leader func(ctx context.Context) (bool, error)
	// WhenListened returns whom the job is for: while nobody is there, it is not run. It is
	// asked before each run. Where counting fails, that is logged, and the job runs.
	WhenListened func() gateway.Target
	// Jitter delays each run by a random time below it, so that many nodes do not do the
	// same at once. It must be shorter than the interval of [Every]. Default none.
	Jitter time.Duration
	// Random returns numbers from 0 up to 1, for Jitter. Default math/rand/v2.Float64.
	Random func() float64
	// Timeout ends the context of a run, and that of Leader, when it takes longer. Default
	// none: what hangs keeps the job from running again, of which every tick is logged.
	Timeout time.Duration
	// TimeZone is what the expression of [Cron] speaks of. Default UTC.
	TimeZone *time.Location
}

// Job is something that is run over and over. It is given to one app, once. Its methods are
// safe for concurrent use.
type Job struct {
	o       Options
	run     func(context.Context) error
	source  string
	next    func(last, now time.Time) time.Time
	mistake error

	mu    sync.Mutex
	log   *slog.Logger // nil before With
	stats Stats
}

// Stats tells what has become of a job's ticks.
type Stats struct {
	Runs       int64     // begun
	Failed     int64     // of these: with an error or a panic
	Overlapped int64     // ticks without a run, because the last one still went on
	Elsewhere  int64     // ticks without a run, because this node was not the leader, or could not tell
	Unheard    int64     // ticks without a run, because nobody listened
	Running    bool      // at the moment, or finding out whether to
	Next       time.Time // tick, before Jitter; zero when there is none
}

// Stats returns what has become of the job's ticks up to now.
func (j *Job) Stats() Stats {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.stats
}

// Name returns what logs and errors call the job.
func (j *Job) Name() string { return j.o.Name }

// Every runs f in intervals, for the first time when one has passed. Ticks keep to their
// times, however long f takes. f's context ends when the app stops. Its error, or panic, is
// logged. At most one Options may be given.
func Every(interval time.Duration, f func(context.Context) error, o ...Options) *Job {
	j := newJob("every "+interval.String(), f, o)
	switch {
	case interval <= 0:
		j.wrong("the interval is not above zero: %s", interval)
	case j.o.Jitter >= interval:
		j.wrong("the jitter of %s is not below the interval, %s", j.o.Jitter, interval)
	}
	j.next = func(last, now time.Time) time.Time {
		if late := now.Sub(last); late >= interval { // the process was held up: what was missed is not made up for
			last = last.Add(late.Truncate(interval))
		}
		return last.Add(interval)
	}
	return j
}

var parser = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.SecondOptional | cron.Descriptor)

// Cron runs f whenever an expression of cron says: minute, hour, day of the month, month,
// day of the week, "*/5 * * * *"; with six fields the first is the second. "@hourly",
// "@daily", "@weekly", "@monthly" and "@yearly" are understood, too. Where a clock is set
// forward, hours that it leaves out have no runs; where it is set back, those that it
// repeats have them twice. f is as in [Every].
func Cron(expression string, f func(context.Context) error, o ...Options) *Job {
	j := newJob("cron "+expression, f, o)
	zone := j.o.TimeZone
	if zone == nil {
		zone = time.UTC
	}
	if strings.Contains(expression, "TZ=") || strings.HasPrefix(expression, "@every") {
		j.wrong("%q is no expression of cron: Options has the time zone, and Every intervals", expression)
		return j
	}
	times, err := parser.Parse(expression)
	if err != nil {
		j.wrong("%q is no expression of cron: %v", expression, err)
		return j
	}
	j.next = func(_, now time.Time) time.Time { return times.Next(now.In(zone).Round(0)) }
	if j.next(time.Time{}, time.Now()).IsZero() {
		j.wrong("%q never comes: no such day within five years", expression)
	}
	return j
}

func newJob(name string, f func(context.Context) error, o []Options) *Job {
	j := &Job{run: f, source: "unknown"}
	if _, file, line, ok := runtime.Caller(2); ok {
		j.source = fmt.Sprintf("%s:%d", file, line)
	}
	if len(o) > 0 {
		j.o = o[0]
	}
	if j.o.Name == "" {
		j.o.Name = name + " (" + j.source[strings.LastIndexByte(j.source, '/')+1:] + ")"
	}
	if j.o.Random == nil {
		j.o.Random = rand.Float64
	}
	switch {
	case len(o) > 1:
		j.wrong("more than one Options")
	case f == nil:
		j.wrong("there is nothing to run")
	case j.o.Jitter < 0 || j.o.Timeout < 0:
		j.wrong("Options has a negative duration")
	}
	return j
}

func (j *Job) wrong(format string, args ...any) {
	j.mistake = errors.Join(j.mistake, fmt.Errorf("%s: job %q: %s", j.source, j.o.Name, fmt.Sprintf(format, args...)))
}

// With has an app run jobs, from its start to its stop: call it before the app starts. An
// error names everything that is wrong with the jobs, each with its source line; then none
// is run.
func With(app *gateway.App, jobs ...*Job) error {
	var errs []error
	for i, j := range jobs {
		if j == nil {
			errs = append(errs, fmt.Errorf("schedule: job %d is nil", i+1))
			continue
		}
		errs = append(errs, j.mistake, j.take(app.Logger()))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	s := &schedule{jobs: jobs}
	app.OnStart("schedule", s.start, s.stop)
	return nil
}

// take has the job belong to an app.
func (j *Job) take(log *slog.Logger) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.log != nil {
		return fmt.Errorf("%s: job %q has been given to an app already", j.source, j.o.Name)
	}
	j.log = log.With("job", j.o.Name)
	return nil
}
