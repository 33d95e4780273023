//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// placement says which processors the server and the generator run on.
type placement string

const (
	pinned placement = "pinned" // the server on one, the generator on another
	shared placement = "shared" // both on all
)

func pickPlacements(names string, quick bool) (picked []placement, err error) {
	if names == "" {
		if quick {
			return []placement{pinned}, nil
		}
		return []placement{pinned, shared}, nil
	}
	for name := range strings.SplitSeq(names, ",") {
		p := placement(name)
		if p != pinned && p != shared {
			return nil, fmt.Errorf("no such placement: %q", name)
		}
		picked = append(picked, p)
	}
	return picked, nil
}

// on runs f, which starts a process, with the calling thread on the given processor, and
// puts the thread back.
func (p placement) on(processor int, f func() error) error {
	if p == shared {
		return f()
	}
	var before, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return err
	}
	// The nth of those that this process may use, not of the machine.
	for cpu, n := 0, 0; cpu < 1024; cpu++ {
		if before.IsSet(cpu) {
			if n == processor {
				one.Set(cpu)
				break
			}
			n++
		}
	}
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return err
	}
	err := f()
	return errors.Join(err, unix.SchedSetaffinity(0, &before))
}

// running is a server that was started here.
type running struct {
	cmd   *exec.Cmd
	addr  string
	ended chan struct{}
	log   *tail
	data  string // a folder, which goes with it
}

func start(ctx context.Context, s server, place placement) (*running, error) {
	addr, err := freeAddress()
	if err != nil {
		return nil, err
	}
	data, err := os.MkdirTemp("", "kachi-bench-")
	if err != nil {
		return nil, err
	}
	args := make([]string, len(s.start))
	for i, arg := range s.start {
		args[i] = strings.NewReplacer("ADDR", addr, "DATA", data).Replace(arg)
	}
	r := &running{data: data, cmd: exec.Command(args[0], args[1:]...), addr: addr, ended: make(chan struct{}), log: &tail{}}
	r.cmd.Stdout, r.cmd.Stderr = r.log, r.log
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	r.cmd.Env = os.Environ()
	if place == pinned {
		r.cmd.Env = append(r.cmd.Env, "GOMAXPROCS=1")
	}
	if err := place.on(0, r.cmd.Start); err != nil {
		return nil, errors.Join(err, os.RemoveAll(data))
	}
	go func() {
		_ = r.cmd.Wait()
		close(r.ended)
	}()
	if err := r.listening(ctx); err != nil {
		r.stop()
		return nil, fmt.Errorf("%w: %s", err, r.log)
	}
	return r, nil
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String(), nil
}

// listening waits until the server takes connections, and a little longer, so that what
// it does after that is not measured.
func (r *running) listening(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		if c, err := net.DialTimeout("tcp4", r.addr, time.Second); err == nil {
			_ = c.Close()
			time.Sleep(100 * time.Millisecond)
			return nil
		}
		select {
		case <-r.ended:
			return errors.New("it ended at once")
		case <-ctx.Done():
			return errors.New("it does not listen")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// stop asks, and then insists.
func (r *running) stop() {
	_ = r.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-r.ended:
	case <-time.After(3 * time.Second):
		_ = r.cmd.Process.Kill()
		<-r.ended
	}
	_ = os.RemoveAll(r.data)
}

// load runs the generator; cpu is what it used, in seconds.
func load(ctx context.Context, r *running, place placement, args []string) (out []byte, cpu float64, err error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	args = append(args, "-addr", r.addr, "-pid", strconv.Itoa(r.cmd.Process.Pid))
	var stdout bytes.Buffer
	stderr := &tail{}
	cmd := exec.CommandContext(ctx, "bin/bench/load", args...)
	cmd.Stdout, cmd.Stderr = &stdout, stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := place.on(1, cmd.Start); err != nil {
		return nil, 0, err
	}
	err = cmd.Wait()
	cpu = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	switch {
	case ctx.Err() != nil:
		return nil, cpu, errors.New("the generator did not come to an end")
	case err != nil:
		return nil, cpu, fmt.Errorf("the generator: %w %s", err, stderr)
	}
	return stdout.Bytes(), cpu, nil
}

// account is processor time in seconds.
type account struct {
	at           time.Time
	busy, server float64
}

// account reads what all processors have done so far, and the server.
func (r *running) account() account {
	a := account{at: time.Now(), server: processCPU(r.cmd.Process.Pid)}
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return a
	}
	line, _, _ := strings.Cut(string(stat), "\n")
	for i, field := range strings.Fields(line) {
		// user nice system idle iowait irq softirq steal; guests are within user.
		if i >= 1 && i <= 8 && i != 4 && i != 5 {
			ticks, _ := strconv.ParseFloat(field, 64)
			a.busy += ticks / 100
		}
	}
	return a
}

// foreign is the share of all processors' time that neither the server nor the
// generator used: what neighbours took.
func (a account) foreign(before account, generator float64) float64 {
	all := a.at.Sub(before.at).Seconds() * float64(processors())
	if all <= 0 {
		return 0
	}
	return max(0, (a.busy-before.busy)-(a.server-before.server)-generator) / all
}

func processCPU(pid int) float64 {
	const schedClock = 2
	var ts unix.Timespec
	if unix.ClockGettime(int32(^pid<<3|schedClock), &ts) != nil {
		return 0
	}
	return float64(ts.Nano()) / 1e9
}

// tail keeps the end of what a process says.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if over := len(t.text) - 2000; over > 0 {
		t.text = t.text[:copy(t.text, t.text[over:])]
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.text))
}
