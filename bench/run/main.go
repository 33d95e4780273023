//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/kachi-io/kachi/bench/result"
)

func main() {
	// A child inherits the affinity of the thread that starts it, and is killed when that
	// thread ends: everything is started from this one.
	runtime.LockOSThread()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// suite is what one call of the command does.
type suite struct {
	servers    []server
	cases      []scenario
	placements []placement
	rounds     int
	warmup     time.Duration
	duration   time.Duration
	budget     time.Duration
	calm       float64 // a sample is taken again when others took a larger share
	tries      int
}

// sample is one scenario against one server, once.
type sample struct {
	Placement string      `json:"placement"`
	Round     int         `json:"round"`
	Server    string      `json:"server"`
	Case      string      `json:"case"`
	Error     string      `json:"error,omitempty"` // neither server nor generator could say more
	Foreign   float64     `json:"foreign"`         // share of all processors' time that others took
	Tries     int         `json:"tries"`
	Run       *result.Run `json:"run,omitempty"`
}

func command(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	var (
		quick    = flags.Bool("quick", false, "one short round of the main scenarios")
		rounds   = flags.Int("rounds", 0, "rounds; 0: 5, or 1 when quick")
		names    = flags.String("servers", "", "which, separated by commas; empty: all but those on request ("+strings.Join(serverNames(), ", ")+")")
		pattern  = flags.String("cases", "", "a regular expression of scenarios' names; empty: all")
		places   = flags.String("placements", "", "pinned, shared or both separated by a comma; empty: both, or pinned when quick")
		warmup   = flags.Duration("warmup", 0, "of each scenario; 0: 1s, or 400ms when quick")
		duration = flags.Duration("duration", 0, "of each scenario's window; 0: 3s, or 1200ms when quick")
		calm     = flags.Float64("calm", 0.05, "a scenario is measured again, twice at most, when others took a larger share of the processors; the calmest counts")
		budget   = flags.Duration("budget", 3*time.Hour, "no round is begun after this")
		out      = flags.String("out", "", "where the result goes, without the ending; empty: bench/results/bench or bench-quick")
	)
	if err := flags.Parse(args); err != nil {
		return err
	}
	if runtime.NumCPU() < 2 {
		return errors.New("needs two processors: one for the server, one for the generator")
	}
	name := "bench"
	or := func(given, full, short time.Duration) time.Duration {
		switch {
		case given > 0:
			return given
		case *quick:
			return short
		}
		return full
	}
	s := suite{
		rounds:   *rounds,
		warmup:   or(*warmup, time.Second, 400*time.Millisecond),
		duration: or(*duration, 3*time.Second, 1200*time.Millisecond),
		budget:   *budget,
		calm:     *calm,
		tries:    3,
	}
	if s.rounds == 0 {
		s.rounds = 5
	}
	if *quick {
		name, s.rounds, s.tries = "bench-quick", max(1, *rounds), 1
	}
	var err error
	if s.servers, err = pickServers(*names); err != nil {
		return err
	}
	if s.placements, err = pickPlacements(*places, *quick); err != nil {
		return err
	}
	wanted, err := regexp.Compile(*pattern)
	if err != nil {
		return err
	}
	s.cases = slices.DeleteFunc(scenarios(*quick), func(c scenario) bool { return !wanted.MatchString(c.name) })
	if len(s.cases) == 0 {
		return errors.New("no scenario has such a name")
	}
	if *out == "" {
		*out = filepath.Join("bench", "results", name)
	}
	if _, err := os.Stat("bench/run"); err != nil {
		return errors.New("start it from the root of the project")
	}

	about := describe(ctx, append([]string{"go run ./bench/run"}, args...))
	if err := prepare(ctx, s.servers); err != nil {
		return err
	}
	samples := s.run(ctx)
	if len(samples) == 0 {
		return errors.New("nothing was measured")
	}
	about.finish(samples)
	return write(*out, about, samples)
}

// run goes round by round, and in each round begins with another server, so that no
// server is always the one that a neighbour disturbs.
func (s *suite) run(ctx context.Context) (samples []sample) {
	began := time.Now()
	for round := range s.rounds {
		if round > 0 && time.Since(began) > s.budget {
			fmt.Fprintf(os.Stderr, "the time is up after %d rounds\n", round)
			break
		}
		for _, place := range s.placements {
			for _, c := range s.cases {
				if place == shared && !c.shared || c.once && round > 0 {
					continue
				}
				for i := range s.servers {
					srv := s.servers[(i+round)%len(s.servers)]
					if c.whole && srv.bare || c.product != srv.product {
						continue
					}
					one := s.calmest(ctx, srv, c, place)
					if ctx.Err() != nil {
						return samples // what was interrupted is no result
					}
					one.Round, one.Server, one.Case, one.Placement = round, srv.name, c.name, string(place)
					samples = append(samples, one)
					fmt.Fprintf(os.Stderr, "%4.0fs  round %d  %-6s  %-22s %-13s %s\n",
						time.Since(began).Seconds(), round+1, place, c.name, srv.name, one.brief(c))
				}
			}
		}
	}
	return samples
}

// calmest measures until a sample was disturbed little, or it has been tried often
// enough: on a machine that others use too, that is worth more than another round.
func (s *suite) calmest(ctx context.Context, srv server, c scenario, place placement) (best sample) {
	for try := range max(1, s.tries) {
		one := s.measure(ctx, srv, c, place)
		one.Tries = try + 1
		if try == 0 || one.Foreign < best.Foreign {
			best = one
		}
		// What went wrong is not tried away.
		if one.Foreign <= s.calm || one.Run == nil || troubles(one.Run) != "" || ctx.Err() != nil {
			return one
		}
	}
	return best
}

// measure starts the server, puts the load on it and ends it. Whatever goes wrong is the
// sample's to tell.
func (s *suite) measure(ctx context.Context, srv server, c scenario, place placement) (one sample) {
	running, err := start(ctx, srv, place)
	if err != nil {
		one.Error = "did not start: " + err.Error()
		return one
	}
	defer running.stop()
	before := running.account()
	out, cpu, err := load(ctx, running, place, s.arguments(c))
	one.Foreign = running.account().foreign(before, cpu)
	if err != nil {
		one.Error = err.Error()
		return one
	}
	one.Run = &result.Run{}
	if err := json.Unmarshal(out, one.Run); err != nil {
		one.Error, one.Run = "the generator's answer: "+err.Error(), nil
	}
	return one
}

func (s *suite) arguments(c scenario) []string {
	args := append([]string{}, c.args...)
	if c.args[0] != "idle" {
		args = append(args, "-warmup", s.warmup.String())
		if !slices.Contains(args, "-duration") {
			args = append(args, "-duration", s.duration.String())
		}
	}
	return args
}

func (one sample) brief(c scenario) string {
	if one.Run == nil {
		return one.Error
	}
	var parts []string
	for _, m := range c.metrics {
		if v, ok := m.value(one.Run); ok {
			parts = append(parts, m.format(v)+" "+m.unit)
		}
	}
	if trouble := troubles(one.Run); trouble != "" {
		parts = append(parts, "("+trouble+")")
	}
	return strings.Join(parts, ", ")
}
