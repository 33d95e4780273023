//go:build linux

package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// process is the server's, seen from outside. The zero value sees nothing: a server on
// another machine is measured by its answers alone.
type process struct{ pid int }

// cpu is user and system time in seconds. The process's clock is read, which counts
// nanoseconds; /proc/PID/stat, in hundredths of a second, where that is refused.
func (p process) cpu() float64 {
	if p.pid == 0 {
		return 0
	}
	const schedClock = 2 // CPUCLOCK_SCHED of the kernel's posix-timers_types.h
	var ts unix.Timespec
	if unix.ClockGettime(int32(^p.pid<<3|schedClock), &ts) == nil {
		return float64(ts.Nano()) / 1e9
	}
	stat, err := os.ReadFile(p.path("stat"))
	if err != nil {
		return 0
	}
	// The command's name stands in parentheses and may hold spaces.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseFloat(string(fields[11]), 64)
	system, _ := strconv.ParseFloat(string(fields[12]), 64)
	return (user + system) / 100
}

func (p process) path(name string) string { return fmt.Sprintf("/proc/%d/%s", p.pid, name) }

// rss and the like are in bytes.
func (p process) rss() int64          { return p.kilobytes("status", "VmRSS:") }
func (p process) privateDirty() int64 { return p.kilobytes("smaps_rollup", "Private_Dirty:") }
func (p process) threads() int        { return int(p.number("status", "Threads:")) }

func (p process) kilobytes(file, key string) int64 { return p.number(file, key) << 10 }

func (p process) number(file, key string) int64 {
	if p.pid == 0 {
		return 0
	}
	text, err := os.ReadFile(p.path(file))
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(text) {
		if after, ok := bytes.CutPrefix(line, []byte(key)); ok {
			if fields := bytes.Fields(after); len(fields) > 0 {
				n, _ := strconv.ParseInt(string(fields[0]), 10, 64)
				return n
			}
		}
	}
	return 0
}

func (p process) fds() int {
	if p.pid == 0 {
		return 0
	}
	dir, err := os.Open(p.path("fd"))
	if err != nil {
		return 0
	}
	defer func() { _ = dir.Close() }()
	names, _ := dir.Readdirnames(-1)
	return len(names)
}

// alive says whether the server still runs. A zombie does not.
func (p process) alive() bool {
	if p.pid == 0 {
		return true
	}
	stat, err := os.ReadFile(p.path("stat"))
	if err != nil {
		return false
	}
	state := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	return len(state) > 0 && state[0][0] != 'Z'
}

// collect asks for a garbage collection; every server under bench takes the signal so.
func (p process) collect() {
	if p.pid > 0 {
		_ = unix.Kill(p.pid, unix.SIGUSR2)
	}
}

// unread is how many bytes of the connection at fd wait at the server's end, in the
// operating system, for the client to take them; -1 when that end is not on this machine,
// or gone.
func unread(server *unix.SockaddrInet4, fd int) int {
	name, err := unix.Getsockname(fd)
	client, ok := name.(*unix.SockaddrInet4)
	if err != nil || !ok {
		return -1
	}
	table, err := os.ReadFile("/proc/self/net/tcp")
	if err != nil {
		return -1
	}
	// sl local_address rem_address st tx_queue:rx_queue …, addresses as the processor
	// has them in memory.
	ends := " " + procAddress(server) + " " + procAddress(client) + " "
	_, row, found := strings.Cut(string(table), ends)
	if !found || len(row) < len("01 00000000") {
		return -1
	}
	n, err := strconv.ParseInt(row[len("01 "):len("01 00000000")], 16, 64)
	if err != nil {
		return -1
	}
	return int(n)
}

func procAddress(a *unix.SockaddrInet4) string {
	return fmt.Sprintf("%08X:%04X", binary.NativeEndian.Uint32(a.Addr[:]), a.Port)
}

// ownCPU is this process's time in seconds.
func ownCPU() float64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &ts)
	return float64(ts.Nano()) / 1e9
}
