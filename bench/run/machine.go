//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// setting is what a result is worth nothing without.
type setting struct {
	Command    string  `json:"command"`
	Commit     string  `json:"commit"`
	Date       string  `json:"date"`
	Processors int     `json:"processors"`
	Model      string  `json:"model"`
	MemoryMB   int64   `json:"memory_mb"`
	Kernel     string  `json:"kernel"`
	Go         string  `json:"go"`
	Node       string  `json:"node"`
	Foreign    float64 `json:"foreign_median"` // see sample.Foreign
	ForeignMax float64 `json:"foreign_max"`
	Rounds     int     `json:"rounds"`
	Minutes    float64 `json:"minutes"`

	began time.Time
}

func describe(ctx context.Context, command []string) *setting {
	s := &setting{
		Command:    strings.Join(command, " "),
		Commit:     output(ctx, "git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"),
		Date:       time.Now().UTC().Format(time.DateOnly),
		Processors: processors(),
		Go:         runtime.Version(),
		Node:       output(ctx, "node", "--version"),
		began:      time.Now(),
	}
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		s.Kernel = unix.ByteSliceToString(name.Release[:])
	}
	s.MemoryMB, _ = strconv.ParseInt(strings.TrimSuffix(firstField("/proc/meminfo", "MemTotal:"), " kB"), 10, 64)
	s.MemoryMB /= 1024
	s.Model = firstField("/proc/cpuinfo", "model name\t:")
	return s
}

func (s *setting) finish(samples []sample) {
	var foreign []float64
	for _, one := range samples {
		foreign = append(foreign, one.Foreign)
		s.Rounds = max(s.Rounds, one.Round+1)
	}
	s.Foreign, s.ForeignMax = median(foreign), slices.Max(foreign)
	s.Minutes = time.Since(s.began).Minutes()
}

func processors() int { return runtime.NumCPU() }

func output(ctx context.Context, name string, args ...string) string {
	out, err := exec.CommandContext(ctx, name, args...).Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

// firstField is what follows key in the first line of the file that begins with it.
func firstField(file, key string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if after, ok := strings.CutPrefix(line, key); ok {
			return strings.TrimSpace(after)
		}
	}
	return ""
}

func (s *setting) lines() []string {
	return []string{
		"command: `" + s.Command + "`",
		"commit: " + s.Commit + ", " + s.Date,
		fmt.Sprintf("machine: %d processors (%s), %d MB of memory, Linux %s", s.Processors, s.Model, s.MemoryMB, s.Kernel),
		"versions: " + s.Go + ", Node " + s.Node,
		fmt.Sprintf("%d rounds in %.0f minutes; others took %.0f %% of the processors' time in the median scenario, %.0f %% in the worst",
			s.Rounds, s.Minutes, 100*s.Foreign, 100*s.ForeignMax),
	}
}
