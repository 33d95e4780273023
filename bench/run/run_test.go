//go:build linux

package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/kachi-io/kachi/bench/result"
	"github.com/kachi-io/kachi/internal/assert"
)

func TestMain(m *testing.M) {
	if err := os.Chdir("../.."); err != nil { // paths are from the project's root
		panic(err)
	}
	os.Exit(m.Run())
}

func deliveries(perSecond float64) *result.Run {
	return &result.Run{Seconds: 1, PerSecond: perSecond, Units: uint64(perSecond), Server: &result.Server{MicrosPerUnit: 1e6 / perSecond}}
}

func TestADisturbedFigureIsMarked(t *testing.T) {
	rows, incidents := summarize([]sample{{Placement: "pinned", Server: own, Case: "fanout-100", Run: deliveries(100), Foreign: 0.3}})
	page := markdown(&setting{}, rows, nil, incidents)
	assert.True(t, strings.Contains(page, "| ↑ deliveries/s | 100‡ |"), "%s", page)
}

// The middle of the rounds' ratios is not the ratio of the medians: a round that a
// neighbour slowed down for both counts as any other.
func TestRatiosArePerRound(t *testing.T) {
	var samples []sample
	for round, pair := range [][2]float64{{100, 10}, {300, 100}, {50, 25}} {
		samples = append(samples,
			sample{Placement: "pinned", Round: round, Server: own, Case: "fanout-100", Run: deliveries(pair[0])},
			sample{Placement: "pinned", Round: round, Server: node, Case: "fanout-100", Run: deliveries(pair[1])})
	}
	rows, incidents := summarize(samples)
	assert.Equal(t, len(incidents), 0)
	assert.Equal(t, rows[0].Unit, "deliveries/s")
	assert.Equal(t, rows[0].Cells[0].Server, own)
	assert.Equal(t, rows[0].Cells[0].Median, 100.0)
	assert.Equal(t, rows[0].Cells[0].Ratio, 3.0)
	assert.Equal(t, rows[0].Cells[1].Ratio, 1.0)
}

func TestWhatWentWrongIsARow(t *testing.T) {
	lossy := deliveries(100)
	lossy.Counts.Lost, lossy.Counts.Closed = 7, 2
	lossy.Problems = map[string]int{"reset": 1, "end of stream": 2}
	lossy.Fault = "nothing came any more"
	lossy.Generator.Share = 0.95
	samples := []sample{
		{Placement: "pinned", Server: own, Case: "fanout-100", Run: lossy},
		{Placement: "pinned", Server: node, Case: "fanout-100", Error: "did not start: it ended at once"},
	}
	rows, incidents := summarize(samples)
	page := markdown(&setting{}, rows, nil, incidents)
	for _, want := range []string{
		"| pinned | fanout-100 | kachi | 1 | nothing came any more, 7 lost, 2 closed by the server, mostly: end of stream |",
		"| pinned | fanout-100 | node | 1 | did not start: it ended at once |",
		"| **fanout-100** | ↑ deliveries/s | 100† |",
	} {
		assert.True(t, strings.Contains(page, want), "want %s in\n%s", want, page)
	}
}

func TestAServerThatDoesNotStart(t *testing.T) {
	s := suite{warmup: time.Millisecond, duration: time.Millisecond}
	one := s.measure(t.Context(), server{name: "none", start: []string{"false"}}, all[0], pinned)
	assert.True(t, strings.Contains(one.Error, "did not start: it ended at once"), "%s", one.Error)
	one = s.measure(t.Context(), server{name: "none", start: []string{"bench/no-such-command"}}, all[0], shared)
	assert.True(t, strings.HasPrefix(one.Error, "did not start"), "%s", one.Error)
}

func TestEveryScenarioHasItsOwnNameAndAnArgumentList(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range all {
		assert.True(t, c.name != "" && !seen[c.name] && len(c.args) > 0 && len(c.metrics) > 0, c.name)
		seen[c.name] = true
	}
	assert.True(t, len(scenarios(true)) >= 5, "quick scenarios")
}

func TestNumbers(t *testing.T) {
	for _, test := range []struct{ got, want string }{
		{count(1234567.4), "1,234,567"}, {count(999), "999"}, {count(0), "0"}, {count(-1234), "-1,234"}, {count(-0.2), "0"},
		{number(0.3724), "0.372"}, {number(5.031), "5.03"}, {number(90.71), "90.7"}, {number(12345), "12,345"},
		{ratio(13.2), "13×"}, {ratio(1.24), "1.2×"}, {ratio(0.071), "0.07×"},
	} {
		assert.Equal(t, test.got, test.want)
	}
}

func TestMedian(t *testing.T) {
	values := []float64{5, 1, 9}
	assert.Equal(t, median(values), 5.0)
	assert.Equal(t, values[0], 5.0, "the argument is as it was")
	assert.Equal(t, median([]float64{4, 1}), 2.5)
	assert.Equal(t, median(nil), 0.0)
}
