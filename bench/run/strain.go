//go:build linux

package main

import (
	"fmt"
	"slices"
	"strings"
)

// strain is by how much trouble lengthens the tail: p99 in a scenario over p99 in the one
// that is the same without the trouble, of the same round.
type strain struct {
	Placement string `json:"placement"`
	Case      string `json:"case"`
	Without   string `json:"without"`
	Cells     []cell `json:"cells"` // Median and Rounds are ratios
}

// strains compares what was measured with what was measured without trouble. Rounds that
// have only one of the two do not count.
func strains(samples []sample) (found []strain) {
	type key struct {
		placement, name, server string
		round                   int
	}
	at := map[key]sample{}
	var places []string
	rounds := 0
	for _, one := range samples {
		at[key{one.Placement, one.Case, one.Server, one.Round}] = one
		rounds = max(rounds, one.Round+1)
		if !slices.Contains(places, one.Placement) {
			places = append(places, one.Placement)
		}
	}
	slices.Sort(places)
	for _, place := range places {
		for _, c := range all {
			s := strain{Placement: place, Case: c.name, Without: c.without}
			for _, server := range serverNames() {
				x := cell{Server: server}
				var foreign []float64
				for round := range rounds {
					with, without := at[key{place, c.name, server, round}], at[key{place, c.without, server, round}]
					if with.tail() == 0 || without.tail() == 0 {
						continue
					}
					x.Rounds = append(x.Rounds, with.tail()/without.tail())
					x.Generator = max(x.Generator, with.Run.Generator.Share, without.Run.Generator.Share)
					foreign = append(foreign, max(with.Foreign, without.Foreign))
				}
				if len(x.Rounds) > 0 {
					x.Median, x.Foreign = median(x.Rounds), median(foreign)
					s.Cells = append(s.Cells, x)
				}
			}
			if len(s.Cells) > 0 {
				found = append(found, s)
			}
		}
	}
	return found
}

// tail is p99 in microseconds; 0 where there is none.
func (one sample) tail() float64 {
	if one.Run == nil || one.Run.Latency == nil {
		return 0
	}
	return one.Run.Latency.P99
}

// strainTable is empty where nothing can be compared.
func strainTable(found []strain) string {
	if len(found) == 0 {
		return ""
	}
	var names []string
	for _, name := range serverNames() {
		if slices.ContainsFunc(found, func(s strain) bool { return cellOf(s.Cells, name) != nil }) {
			names = append(names, name)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n## With trouble, over without\n\np99 with the trouble over p99 without it: the median of the rounds' ratios, each of its own round.\n"+
		"1 means that nobody notices.\n\n| | scenario | %s |\n|---|---|%s\n", strings.Join(names, " | "), strings.Repeat("---:|", len(names)))
	for _, s := range found {
		fmt.Fprintf(&b, "| %s | %s / %s |", s.Placement, s.Case, s.Without)
		for _, name := range names {
			text := ""
			if c := cellOf(s.Cells, name); c != nil {
				text = ratio(c.Median) + c.doubts()
			}
			b.WriteString(" " + text + " |")
		}
		b.WriteByte('\n')
	}
	return b.String()
}
