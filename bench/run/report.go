//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// busy is the generator's share of its processor from which on the figure says more
// about the generator than about the server.
const busy = 0.9

// disturbed is the share of all processors' time that others took from which on a figure
// says more about them.
const disturbed = 0.1

// cell is one metric of one server in one scenario.
type cell struct {
	Server string    `json:"server"`
	Rounds []float64 `json:"rounds"`
	Median float64   `json:"median"`
	// Ratio is the median of the rounds' ratios to Node, 0 when there is none.
	Ratio     float64 `json:"ratio"`
	Generator float64 `json:"generator"` // its largest share of a processor
	Foreign   float64 `json:"foreign"`   // the median share that others took
}

// row is one metric of one scenario.
type row struct {
	Placement string `json:"placement"`
	Case      string `json:"case"`
	Unit      string `json:"unit"`
	More      bool   `json:"more_is_better"`
	Cells     []cell `json:"cells"`

	format func(float64) string
}

// incident is what went wrong, in one scenario with one server.
type incident struct {
	Placement string `json:"placement"`
	Case      string `json:"case"`
	Server    string `json:"server"`
	Round     int    `json:"round"`
	What      string `json:"what"`
}

func summarize(samples []sample) (rows []row, incidents []incident) {
	type key struct{ placement, name string }
	groups := map[key][]sample{}
	var order []key
	for _, one := range samples {
		k := key{one.Placement, one.Case}
		if _, ok := groups[k]; !ok {
			order = append(order, k)
		}
		groups[k] = append(groups[k], one)
		what := one.Error
		if one.Run != nil {
			what = troubles(one.Run)
		}
		if what != "" {
			incidents = append(incidents, incident{one.Placement, one.Case, one.Server, one.Round + 1, what})
		}
	}
	slices.SortStableFunc(order, func(a, b key) int { return strings.Compare(a.placement, b.placement) })
	for _, k := range order {
		for _, c := range all {
			if c.name != k.name {
				continue
			}
			for _, m := range c.metrics {
				rows = append(rows, row{k.placement, k.name, m.unit, m.more, cells(groups[k], m), m.format})
			}
		}
	}
	return rows, incidents
}

func cells(samples []sample, m metric) (cells []cell) {
	reference := map[int]float64{}
	for _, one := range samples {
		if (one.Server == node || one.Server == nest) && one.Run != nil {
			if v, ok := m.value(one.Run); ok {
				reference[one.Round] = v
			}
		}
	}
	for _, name := range serverNames() {
		c := cell{Server: name}
		var ratios, foreign []float64
		for _, one := range samples {
			if one.Server != name || one.Run == nil {
				continue
			}
			v, ok := m.value(one.Run)
			if !ok {
				continue
			}
			c.Rounds = append(c.Rounds, v)
			foreign = append(foreign, one.Foreign)
			c.Generator = max(c.Generator, one.Run.Generator.Share)
			if base := reference[one.Round]; base > 0 {
				ratios = append(ratios, v/base)
			}
		}
		if len(c.Rounds) == 0 {
			continue
		}
		c.Median, c.Foreign = median(c.Rounds), median(foreign)
		if len(ratios) > 0 {
			c.Ratio = median(ratios)
		}
		cells = append(cells, c)
	}
	return cells
}

// median does not change its argument.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	if n := len(sorted); n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[len(sorted)/2]
}

func write(path string, about *setting, samples []sample) error {
	rows, incidents := summarize(samples)
	troubled := strains(samples)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	text, err := json.Marshal(map[string]any{"setting": about, "rows": rows, "strains": troubled, "incidents": incidents})
	if err != nil {
		return err
	}
	page := markdown(about, rows, troubled, incidents)
	fmt.Print(page)
	if raw, err := json.Marshal(samples); err == nil {
		// Everything that the generator said, for whoever wants to look closer.
		_ = os.WriteFile("bin/bench/samples.json", raw, 0o644)
	}
	if err := os.WriteFile(path+".json", append(lines(text), '\n'), 0o644); err != nil {
		return err
	}
	return os.WriteFile(path+".md", []byte(page), 0o644)
}

// lines puts each row on a line of its own, so that two results can be compared.
func lines(text []byte) []byte {
	return []byte(strings.ReplaceAll(string(text), `{"placement"`, "\n"+`{"placement"`))
}

func markdown(about *setting, rows []row, troubled []strain, incidents []incident) string {
	var b strings.Builder
	b.WriteString("# Benchmarks\n\n")
	for _, line := range about.lines() {
		b.WriteString("- " + line + "\n")
	}
	b.WriteString("\nMedians; in brackets the median of the rounds' ratios to Node. ↑ more is better, ↓ less is.\n" +
		"† the generator was busy for 90 % of the time or more, so that the server may be better than that.\n" +
		"‡ others took 10 % of the processors' time or more in the median round: believe the order at most.\n" +
		"What is measured, and how, is in bench/README.md.\n")
	place := ""
	var names []string
	for i, r := range rows {
		if r.Placement != place {
			place = r.Placement
			names = columns(rows, place)
			title := "The server on one processor, the generator on another"
			if place == string(shared) {
				title = "Both on all processors"
			}
			fmt.Fprintf(&b, "\n## %s\n\n| scenario | | %s |\n|---|---|%s\n", title, strings.Join(names, " | "), strings.Repeat("---:|", len(names)))
		}
		title := ""
		if i == 0 || rows[i-1].Case != r.Case || rows[i-1].Placement != r.Placement {
			title = "**" + r.Case + "**"
		}
		arrow := "↓"
		if r.More {
			arrow = "↑"
		}
		fmt.Fprintf(&b, "| %s | %s %s |", title, arrow, r.Unit)
		for _, name := range names {
			b.WriteString(" " + r.cell(name) + " |")
		}
		b.WriteByte('\n')
	}
	b.WriteString(strainTable(troubled))
	b.WriteString("\n## Scenarios\n\n")
	for _, c := range all {
		if slices.ContainsFunc(rows, func(r row) bool { return r.Case == c.name }) {
			fmt.Fprintf(&b, "- %s: %s\n", c.name, c.about)
		}
	}
	b.WriteString("\n## What went wrong\n\n")
	if len(incidents) == 0 {
		b.WriteString("Nothing: no message was lost, reordered or duplicated, no connection refused or closed.\n")
		return b.String()
	}
	b.WriteString("| | scenario | server | round | |\n|---|---|---|---|---|\n")
	for _, i := range incidents {
		fmt.Fprintf(&b, "| %s | %s | %s | %d | %s |\n", i.Placement, i.Case, i.Server, i.Round, strings.ReplaceAll(i.What, "\n", " "))
	}
	return b.String()
}

// columns are the servers that have a figure.
func columns(rows []row, placement string) (names []string) {
	for _, name := range serverNames() {
		if slices.ContainsFunc(rows, func(r row) bool { return r.Placement == placement && r.cell(name) != "" }) {
			names = append(names, name)
		}
	}
	return names
}

func (r row) cell(server string) string {
	c := cellOf(r.Cells, server)
	if c == nil {
		return ""
	}
	text := r.format(c.Median)
	if c.Ratio > 0 && server != node && server != nest {
		text += " (" + ratio(c.Ratio) + ")"
	}
	return text + c.doubts()
}

func cellOf(cells []cell, server string) *cell {
	i := slices.IndexFunc(cells, func(c cell) bool { return c.Server == server })
	if i < 0 {
		return nil
	}
	return &cells[i]
}

// doubts are the marks of a figure that is not to be believed as it stands.
func (c *cell) doubts() (marks string) {
	if c.Generator >= busy {
		marks += "†"
	}
	if c.Foreign >= disturbed {
		marks += "‡"
	}
	return marks
}

func ratio(v float64) string {
	switch {
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 0, 64) + "×"
	case v >= 1:
		return strconv.FormatFloat(v, 'f', 1, 64) + "×"
	}
	return strconv.FormatFloat(v, 'f', 2, 64) + "×"
}

// count is for large figures: 1,234,567.
func count(v float64) string {
	digits := strconv.FormatInt(int64(math.Round(math.Abs(v))), 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	if v <= -0.5 {
		return "-" + digits
	}
	return digits
}

// number is for small ones: three digits that mean something.
func number(v float64) string {
	switch a := math.Abs(v); {
	case a >= 100:
		return count(v)
	case a >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case a >= 1:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	return strconv.FormatFloat(v, 'f', 3, 64)
}
