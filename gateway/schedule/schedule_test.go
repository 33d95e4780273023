package schedule_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/gatewaytest"
	"github.com/kachi-io/kachi/gateway/schedule"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio"
	"github.com/kachi-io/kachi/socketio/adapter"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var updated = gateway.NewEvent[int]("updated")

func dashboard() gateway.Gateway {
	return gateway.New("/dashboard", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) { g.Emits(updated) })
}

// bubble is an app with jobs on a clock that jumps, which begins at midnight of 2000-01-01,
// UTC, a Saturday.
type bubble struct {
	*gatewaytest.App
	log *bytes.Buffer
}

// logged fails the test where the log does not have a text.
func (b bubble) logged(t *testing.T, text string) {
	t.Helper()
	synctest.Wait()
	assert.True(t, strings.Contains(b.log.String(), text), b.log.String())
}

func run(t *testing.T, hub *gateway.Hub, jobs func() []*schedule.Job, test func(t *testing.T, b bubble)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		log := &bytes.Buffer{}
		o := gateway.Options{Hub: hub, Logger: slog.New(slog.NewTextHandler(log, nil)), StopTimeout: 3 * time.Second}
		app := gatewaytest.New(t, &gatewaytest.Options{App: o, Setup: func(a *gateway.App) {
			assert.NoError(t, schedule.With(a, jobs()...))
		}}, dashboard())
		test(t, bubble{app, log})
	})
}

// times are when a job ran.
type times struct {
	mu   sync.Mutex
	list []string
}

func (r *times) note(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, time.Now().UTC().Format("02 15:04:05.999"))
	return nil
}

func (r *times) expect(t *testing.T, want ...string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	assert.Equal(t, r.list, want)
}

func TestTimes(t *testing.T) {
	seoul := time.FixedZone("KST", 9*60*60)
	for name, test := range map[string]struct {
		job  func(f func(context.Context) error) *schedule.Job
		wait time.Duration
		want []string
	}{
		"every": {
			func(f func(context.Context) error) *schedule.Job { return schedule.Every(5*time.Second, f) },
			16 * time.Second, []string{"01 00:00:05", "01 00:00:10", "01 00:00:15"},
		},
		"every, with jitter": {
			func(f func(context.Context) error) *schedule.Job {
				n := 0.0
				return schedule.Every(5*time.Second, f, schedule.Options{Jitter: 4 * time.Second, Random: func() float64 { n += 0.25; return n }})
			},
			16 * time.Second, []string{"01 00:00:06", "01 00:00:12"}, // and 15 + 3
		},
		"cron": {
			func(f func(context.Context) error) *schedule.Job { return schedule.Cron("*/5 * * * *", f) },
			11 * time.Minute, []string{"01 00:05:00", "01 00:10:00"},
		},
		"cron, in another zone": {
			func(f func(context.Context) error) *schedule.Job {
				return schedule.Cron("30 8 * * mon-fri", f, schedule.Options{TimeZone: seoul})
			},
			72 * time.Hour, []string{"02 23:30:00", "03 23:30:00"}, // Monday and Tuesday, there
		},
		"cron, with seconds": {
			func(f func(context.Context) error) *schedule.Job { return schedule.Cron("*/20 * * * * *", f) },
			time.Minute + time.Second, []string{"01 00:00:20", "01 00:00:40", "01 00:01:00"},
		},
		"cron, by name": {
			func(f func(context.Context) error) *schedule.Job { return schedule.Cron("@daily", f) },
			49 * time.Hour, []string{"02 00:00:00", "03 00:00:00"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var ran times
			run(t, nil, func() []*schedule.Job { return []*schedule.Job{test.job(ran.note)} }, func(t *testing.T, b bubble) {
				time.Sleep(test.wait)
				ran.expect(t, test.want...)
				b.Stop(t)
				time.Sleep(test.wait)
				ran.expect(t, test.want...)
			})
		})
	}
}

func TestARunThatTakesLongHasNoOtherBesideIt(t *testing.T) {
	var ran times
	job := schedule.Every(5*time.Second, func(ctx context.Context) error {
		time.Sleep(12 * time.Second)
		return ran.note(ctx)
	}, schedule.Options{Name: "slow"})
	run(t, nil, func() []*schedule.Job { return []*schedule.Job{job} }, func(t *testing.T, b bubble) {
		time.Sleep(18 * time.Second) // begun at 5, and left out at 10 and 15
		stats := job.Stats()
		assert.Equal(t, stats.Next.UTC().Format("05"), "20")
		stats.Next = time.Time{}
		assert.Equal(t, stats, schedule.Stats{Runs: 1, Overlapped: 2})
		ran.expect(t, "01 00:00:17")
		time.Sleep(15 * time.Second)
		ran.expect(t, "01 00:00:17", "01 00:00:32")
		b.logged(t, `still goes on" job=slow times=1`)
	})
}

func TestNobodyListens(t *testing.T) {
	hub := gateway.NewHub()
	n := 0
	listeners := func() gateway.Target { return hub.Namespace("/dashboard").Local() }
	job := schedule.Every(5*time.Second, func(ctx context.Context) error {
		n++
		return updated.Emit(ctx, listeners(), n)
	}, schedule.Options{WhenListened: listeners})
	run(t, hub, func() []*schedule.Job { return []*schedule.Job{job} }, func(t *testing.T, b bubble) {
		time.Sleep(11 * time.Second)
		assert.Equal(t, job.Stats().Unheard, int64(2))
		c := b.Dial(t, "/dashboard")
		assert.Equal(t, gatewaytest.Next(t, c, updated), 1)
		assert.Equal(t, gatewaytest.Next(t, c, updated), 2)
		assert.Equal(t, time.Now().UTC().Format("05"), "20")
		c.Close()
		time.Sleep(11 * time.Second)
		assert.Equal(t, job.Stats().Unheard, int64(4))
		assert.Equal(t, job.Stats().Runs, int64(2))
	})
}

func TestCountingFails(t *testing.T) {
	var ran times
	job := schedule.Every(time.Second, ran.note, schedule.Options{WhenListened: func() gateway.Target { return gateway.Target{} }})
	run(t, nil, func() []*schedule.Job { return []*schedule.Job{job} }, func(t *testing.T, b bubble) {
		time.Sleep(1500 * time.Millisecond)
		ran.expect(t, "01 00:00:01")
		b.logged(t, "counting who listens")
	})
}

func TestFailuresAreLoggedAndTheNextRunComes(t *testing.T) {
	failures := []func() error{
		func() error { return errors.New("on fire") },
		func() error { panic("on purpose") },
	}
	job := schedule.Every(time.Second, func(ctx context.Context) error {
		if len(failures) == 0 {
			<-ctx.Done()
			return ctx.Err()
		}
		f := failures[0]
		failures = failures[1:]
		return f()
	}, schedule.Options{Timeout: 100 * time.Millisecond})
	run(t, nil, func() []*schedule.Job { return []*schedule.Job{job} }, func(t *testing.T, b bubble) {
		time.Sleep(3500 * time.Millisecond)
		assert.Equal(t, job.Stats().Failed, int64(3))
		for _, says := range []string{`error="on fire"`, `error="panic: on purpose" stack=`, `error="context deadline exceeded"`, "job=\"every 1s (schedule_test.go:"} {
			b.logged(t, says)
		}
	})
}

// lease is held by one node until that gives it back. A cluster has it in its database.
type lease struct {
	mu     sync.Mutex
	holder string
}

// leader is what the jobs of a node ask.
func (l *lease) leader(node string) func(context.Context) (bool, error) {
	return func(context.Context) (bool, error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.holder == "" {
			l.holder = node
		}
		return l.holder == node, nil
	}
}

func (l *lease) release(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.holder = ""
	return nil
}

func TestOneNodeOfACluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus, l := adapter.NewBus(nil), &lease{}
		start := func(node string) (*gatewaytest.App, *schedule.Job) {
			hub := gateway.NewHub()
			job := schedule.Every(5*time.Second, func(ctx context.Context) error {
				return updated.Emit(ctx, hub.Namespace("/dashboard"), int(node[0]))
			}, schedule.Options{Leader: l.leader(node)})
			o := gateway.Options{Hub: hub, Socket: socketio.Options{Adapter: bus.Node().Adapter}}
			return gatewaytest.New(t, &gatewaytest.Options{App: o, Setup: func(a *gateway.App) {
				a.OnStart("lease", nil, l.release) // given back when the jobs have ended
				assert.NoError(t, schedule.With(a, job))
			}}, dashboard()), job
		}
		first, one := start("a")
		time.Sleep(time.Second)
		second, two := start("b")
		c, d := first.Dial(t, "/dashboard"), second.Dial(t, "/dashboard")
		for range 3 {
			for _, client := range []*gatewaytest.Client{c, d} {
				assert.Equal(t, gatewaytest.Next(t, client, updated), int('a'))
			}
		}
		time.Sleep(2 * time.Second)
		c.ExpectNone(t)
		d.ExpectNone(t)
		assert.Equal(t, []int64{one.Stats().Runs, one.Stats().Elsewhere}, []int64{3, 0})
		assert.Equal(t, []int64{two.Stats().Runs, two.Stats().Elsewhere}, []int64{0, 3})

		first.Stop(t)
		assert.Equal(t, gatewaytest.Next(t, d, updated), int('b'))
		assert.Equal(t, one.Stats().Runs, int64(3))
	})
}

func TestNobodyKnowsWhoLeads(t *testing.T) {
	answers := []func(ctx context.Context) (bool, error){
		func(context.Context) (bool, error) { return true, errors.New("on fire") },
		func(context.Context) (bool, error) { panic("on purpose") },
		func(ctx context.Context) (bool, error) { <-ctx.Done(); return true, ctx.Err() },
		func(context.Context) (bool, error) { return true, nil },
		func(ctx context.Context) (bool, error) { <-ctx.Done(); return true, nil }, // the app stops
	}
	var ran times
	asked := 0
	job := schedule.Every(10*time.Second, ran.note, schedule.Options{Timeout: time.Second, Leader: func(ctx context.Context) (bool, error) {
		asked++
		return answers[asked-1](ctx)
	}})
	run(t, nil, func() []*schedule.Job { return []*schedule.Job{job} }, func(t *testing.T, b bubble) {
		time.Sleep(50*time.Second + 500*time.Millisecond)
		b.Stop(t)
		ran.expect(t, "01 00:00:40")
		stats := job.Stats()
		assert.Equal(t, []int64{stats.Runs, stats.Elsewhere, int64(asked)}, []int64{1, 3, 5})
		for _, says := range []string{`error="asking who leads: on fire"`, `error="asking who leads: panic: on purpose" stack=`, `error="asking who leads: context deadline exceeded"`} {
			b.logged(t, says)
		}
	})
}

// curious is a handler of logs that looks at what it is told about.
type curious struct {
	slog.Handler
	look func()
}

func (c curious) Handle(ctx context.Context, r slog.Record) error {
	c.look()
	return c.Handler.Handle(ctx, r)
}
func (c curious) WithAttrs([]slog.Attr) slog.Handler { return c }

func TestWhoIsToldMayAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		job := schedule.Every(time.Second, func(context.Context) error { time.Sleep(1500 * time.Millisecond); return nil })
		seen := make(chan int64, 1)
		log := slog.New(curious{slog.NewTextHandler(io.Discard, nil), func() { seen <- job.Stats().Overlapped }})
		app, err := gateway.NewApp(&gateway.Options{Logger: log})
		assert.NoError(t, err)
		assert.NoError(t, schedule.With(app, job))
		assert.NoError(t, app.Start(t.Context()))
		assert.Equal(t, <-seen, int64(1))
		assert.NoError(t, app.Stop(t.Context()))
	})
}

func TestRandomFails(t *testing.T) {
	var ran times
	job := schedule.Every(2*time.Second, ran.note, schedule.Options{Jitter: time.Second, Random: func() float64 { panic("on purpose") }})
	run(t, nil, func() []*schedule.Job { return []*schedule.Job{job} }, func(t *testing.T, b bubble) {
		time.Sleep(3 * time.Second)
		ran.expect(t, "01 00:00:02")
		b.logged(t, "asking Random: panic: on purpose")
	})
}

func TestStopEndsARunAndWaitsForIt(t *testing.T) {
	var ended []string
	job := schedule.Every(time.Second, func(ctx context.Context) error {
		<-ctx.Done()
		time.Sleep(time.Second) // putting things away
		ended = append(ended, "run")
		return nil
	})
	run(t, nil, func() []*schedule.Job { return []*schedule.Job{job} }, func(t *testing.T, b bubble) {
		time.Sleep(1500 * time.Millisecond)
		b.Stop(t)
		assert.Equal(t, append(ended, "stop"), []string{"run", "stop"})
		assert.Equal(t, job.Stats().Running, false)
	})
}

func TestStopNamesWhatStillRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app, err := gateway.NewApp(&gateway.Options{StopTimeout: time.Second})
		assert.NoError(t, err)
		assert.NoError(t, schedule.With(app, schedule.Every(time.Second, func(context.Context) error {
			time.Sleep(time.Minute)
			return nil
		}, schedule.Options{Name: "deaf"})))
		assert.NoError(t, app.Start(t.Context()))
		time.Sleep(1500 * time.Millisecond)
		err = app.Stop(t.Context())
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.True(t, strings.Contains(err.Error(), "stopping schedule: these jobs still run: deaf"), err.Error())
		time.Sleep(time.Minute)
	})
}

func TestMistakes(t *testing.T) {
	f := func(context.Context) error { return nil }
	used := schedule.Every(time.Second, f)
	app, err := gateway.NewApp(nil)
	assert.NoError(t, err)
	defer func() { assert.NoError(t, app.Stop(context.Background())) }()
	assert.NoError(t, schedule.With(app, used))
	err = schedule.With(app,
		nil,
		used,
		schedule.Every(0, f),
		schedule.Every(time.Second, nil),
		schedule.Every(time.Second, f, schedule.Options{Jitter: time.Second}),
		schedule.Every(time.Second, f, schedule.Options{Jitter: -1}),
		schedule.Every(time.Second, f, schedule.Options{}, schedule.Options{}),
		schedule.Cron("* * *", f),
		schedule.Cron("61 * * * *", f),
		schedule.Cron("0 0 30 2 *", f),
		schedule.Cron("TZ=Asia/Seoul", f),
		schedule.Cron("@every 1s", f),
	)
	assert.True(t, err != nil)
	lines := strings.Split(err.Error(), "\n")
	assert.Equal(t, len(lines), 12, err.Error())
	for i, says := range []string{
		"job 1 is nil", "given to an app already", "not above zero", "nothing to run", "not below the interval", "negative",
		"more than one", "is no expression of cron: expected", "above maximum", "never comes", "Options has the time zone", "Every intervals",
	} {
		assert.True(t, strings.Contains(lines[i], says), lines[i])
		assert.True(t, i == 0 || strings.Contains(lines[i], "schedule_test.go:"), lines[i])
	}
}
