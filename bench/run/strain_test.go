//go:build linux

package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/bench/result"
	"github.com/kachi-io/kachi/internal/assert"
)

func lasting(p99 float64) *result.Run {
	return &result.Run{Seconds: 1, Latency: &result.Latency{Count: 1, P99: p99}}
}

func TestTroubleIsComparedWithinItsRound(t *testing.T) {
	var samples []sample
	add := func(place, server, name string, p99s ...float64) {
		for round, p99 := range p99s {
			one := sample{Placement: place, Round: round, Server: server, Case: name}
			if p99 > 0 {
				one.Run = lasting(p99)
			} else {
				one.Error = "did not start"
			}
			samples = append(samples, one)
		}
	}
	// The second round was slow with and without; the fourth has no counterpart.
	add("pinned", own, "hostile-none", 100, 1000, 100, 0)
	add("pinned", own, "hostile-flood", 110, 1200, 130, 900)
	add("pinned", own, "hostile-storm", 200, 2000, 200, 200)
	add("pinned", node, "hostile-none", 100, 100, 100, 100)
	add("pinned", node, "hostile-flood", 5000, 4000, 3000, 2000)
	add("pinned", node, "fanout-100", 1, 1, 1, 1)
	add("shared", own, "hostile-none", 10, 10, 10, 10)
	add("shared", own, "hostile-flood", 30, 30, 30, 30)
	add("shared", own, "stuck", 30) // nothing without
	samples[4].Foreign = disturbed  // one round of four

	found := strains(samples)
	assert.Equal(t, len(found), 3)
	flood := found[0]
	assert.Equal(t, []string{flood.Placement, flood.Case, flood.Without}, []string{"pinned", "hostile-flood", "hostile-none"})
	assert.Equal(t, cellOf(flood.Cells, own).Rounds, []float64{1.1, 1.2, 1.3})
	assert.Equal(t, cellOf(flood.Cells, own).Median, 1.2)
	assert.Equal(t, cellOf(flood.Cells, node).Median, 35.0)

	rows, incidents := summarize(samples)
	page := markdown(&setting{}, rows, found, incidents)
	for _, want := range []string{
		"## With trouble, over without",
		"| | scenario | kachi | node |",
		"| pinned | hostile-flood / hostile-none | 1.2× | 35× |",
		"| pinned | hostile-storm / hostile-none | 2.0× |  |",
		"| shared | hostile-flood / hostile-none | 3.0× |  |",
	} {
		assert.True(t, strings.Contains(page, want), "want %s in\n%s", want, page)
	}
}

func TestDoubtsAreHandedOn(t *testing.T) {
	samples := []sample{
		{Placement: "pinned", Server: own, Case: "stuck-none", Run: lasting(10), Foreign: disturbed},
		{Placement: "pinned", Server: own, Case: "stuck", Run: lasting(11)},
	}
	samples[1].Run.Generator.Share = busy
	assert.True(t, strings.Contains(strainTable(strains(samples)), "| pinned | stuck / stuck-none | 1.1×†‡ |"))
	assert.Equal(t, strainTable(strains(samples[1:])), "")
}

func TestWhatIsComparedExists(t *testing.T) {
	for _, c := range all {
		if c.without == "" {
			continue
		}
		i := slices.IndexFunc(all, func(other scenario) bool { return other.name == c.without })
		if assert.True(t, i >= 0, c.name) {
			assert.Equal(t, all[i].shared, c.shared, c.name)
			assert.True(t, slices.ContainsFunc(c.metrics, func(m metric) bool { return m.unit == tail99.unit }), c.name)
		}
	}
}

func TestAStuckMemberStaysStuck(t *testing.T) {
	for _, test := range []struct {
		deaf result.Deaf
		want string
	}{
		{result.Deaf{Members: 1, Closed: 1}, ""},
		{result.Deaf{Members: 1}, "the deaf member still connected at the end"},
		{result.Deaf{Members: 1, Filled: 1000, Held: 990}, ""},
		{result.Deaf{Members: 1, Filled: 1000, Held: 100}, "the deaf member not stuck until the end"},
		{result.Deaf{Members: 1, Filled: 1000, Held: -1, Closed: 1}, "the deaf member closed within the bounds"},
	} {
		assert.Equal(t, troubles(&result.Run{Deaf: &test.deaf}), test.want)
	}
}
