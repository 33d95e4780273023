//go:build linux

package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/kachi-io/kachi/bench/result"
	"github.com/kachi-io/kachi/internal/assert"
)

func TestEveryScenarioIsExact(t *testing.T) {
	addr, pid := startServer(t)
	for _, test := range []struct {
		name string
		run  func(p *plan) (*result.Run, error)
		// n is the connections; receivers is how many get each message.
		n, receivers uint64
		polling      bool
	}{
		{"fan-out, one under way", func(p *plan) (*result.Run, error) { return runFanout(p, 1, 0, 0) }, 20, 20, false},
		{"fan-out, 16 under way", func(p *plan) (*result.Run, error) { return runFanout(p, 16, 0, 0) }, 20, 20, false},
		{"fan-out at a rate", func(p *plan) (*result.Run, error) { return runFanout(p, 1, 100, 0) }, 20, 20, false},
		{"fan-out, polling", func(p *plan) (*result.Run, error) { return runFanout(p, 4, 0, 0) }, 10, 10, true},
		{"acks", func(p *plan) (*result.Run, error) { return runAcks(p, 4, 0) }, 20, 1, false},
		{"acks at a rate", func(p *plan) (*result.Run, error) { return runAcks(p, 1, 200) }, 20, 1, false},
		{"acks, polling", func(p *plan) (*result.Run, error) { return runAcks(p, 2, 0) }, 10, 1, true},
		{"flood", func(p *plan) (*result.Run, error) { return runHostile(p, "flood", 100) }, 5, 1, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := plan20(addr, pid)
			p.n, p.at.polling = int(test.n), test.polling
			r, err := test.run(p)
			assert.NoError(t, err)
			clean(t, r)
			assert.True(t, r.Counts.Sent > 0 && r.Units > 0, "something was sent in the window")
			assert.Equal(t, r.Counts.Received, r.Counts.Sent*test.receivers)
			assert.True(t, r.Latency != nil && r.Latency.P50 > 0 && r.Latency.Max >= r.Latency.P99, "latencies")
			assert.True(t, r.Server.CPUSeconds > 0 && r.Server.RSSAfter > 0, "the server's process was seen")
		})
	}
}

// What the generator allocates is for connections and the result, not for messages.
func TestMessagesDoNotAllocate(t *testing.T) {
	addr, pid := startServer(t)
	p := plan20(addr, pid)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r, err := runFanout(p, 16, 0, 0)
	assert.NoError(t, err)
	runtime.ReadMemStats(&after)
	assert.True(t, r.Counts.Received > 10_000, "only %d came", r.Counts.Received)
	allocated := after.Mallocs - before.Mallocs
	assert.True(t, allocated < 2000+r.Counts.Received/100, "%d allocations for %d messages", allocated, r.Counts.Received)
	t.Log(allocated, "allocations for", r.Counts.Received, "messages")
}

func TestIdleSeesEveryConnectionComeAndGo(t *testing.T) {
	addr, pid := startServer(t)
	p := plan20(addr, pid)
	p.n = 50
	r, err := runIdle(p, 100*time.Millisecond, false)
	assert.NoError(t, err)
	clean(t, r)
	assert.Equal(t, r.Counts.Opened, uint64(50))
	assert.Equal(t, r.Counts.Received, uint64(100), "a broadcast and an ack each")
	assert.True(t, r.Memory.FDsOpen >= r.Memory.FDsBefore+50, "a descriptor each")
	assert.Equal(t, r.Memory.FDsClosed, r.Memory.FDsBefore, "descriptors afterwards")
}

func TestConnectsOpenAndClose(t *testing.T) {
	addr, pid := startServer(t)
	p := plan20(addr, pid)
	p.workers = 4
	r, err := runConnects(p)
	assert.NoError(t, err)
	clean(t, r)
	assert.True(t, r.Units > 0 && r.Counts.Opened >= r.Units, "connections were opened")
}

func TestADeafMemberIsNoticed(t *testing.T) {
	addr, pid := startServer(t)
	p := plan20(addr, pid)
	p.n = 2
	p.at.size = 200_000 // the server's bound for what waits is soon reached
	p.duration = time.Second
	r, err := runFanout(p, 1, 0, 1)
	assert.NoError(t, err)
	assert.Equal(t, r.Scenario, "stuck")
	assert.Equal(t, r.Counts.Lost, uint64(0), "lost by the others")
	assert.Equal(t, r.Deaf.Members, 1)
	assert.Equal(t, r.Deaf.Closed, 1, "the server let go of it")
}

func TestADeafMemberIsStuckAllTheTime(t *testing.T) {
	addr, pid := startServer(t)
	p := plan20(addr, pid)
	p.n, p.fill = 2, true
	r, err := runFanout(p, 1, 100, 1)
	assert.NoError(t, err)
	clean(t, r)
	assert.Equal(t, r.Deaf.Closed, 0)
	assert.True(t, r.Deaf.Filled > 0 && r.Deaf.Held > r.Deaf.Filled/2, "%d bytes, and then %d", r.Deaf.Filled, r.Deaf.Held)
	assert.True(t, r.Deaf.Bytes > uint64(r.Deaf.Filled), "it found %d bytes", r.Deaf.Bytes)
}

func TestAnAttackLeavesNothing(t *testing.T) {
	addr, pid := startServer(t)
	for _, kind := range []string{"none", "large", "storm"} {
		r, err := runHostile(plan20(addr, pid), kind, 100)
		assert.NoError(t, err)
		clean(t, r)
		a := r.Attack
		assert.True(t, a.FDsBefore >= 20, "%s: %d descriptors", kind, a.FDsBefore)
		assert.True(t, a.FDsAfter <= a.FDsBefore, "%s: %d descriptors, and then %d", kind, a.FDsBefore, a.FDsAfter)
		assert.True(t, a.RSSBefore > 0 && (kind == "none" || a.Sent > 0), kind)
	}
}

// Each of these is a server that does one thing wrong, by the number of the message.
func TestFaultsAreSeen(t *testing.T) {
	for _, test := range []struct {
		name  string
		relay func(n int, text string, held *string) []string
		check func(t *testing.T, c result.Counts)
	}{
		{"loses every tenth", func(n int, text string, _ *string) []string {
			if n%10 == 9 {
				return nil
			}
			return []string{text}
		}, func(t *testing.T, c result.Counts) {
			assert.Equal(t, c.Lost, c.Sent/10*2, "lost by two members")
			assert.Equal(t, c.Reordered+c.Duplicated+c.Unexpected, uint64(0))
		}},
		{"sends every tenth twice", func(n int, text string, _ *string) []string {
			if n%10 == 9 {
				return []string{text, text}
			}
			return []string{text}
		}, func(t *testing.T, c result.Counts) {
			assert.Equal(t, c.Duplicated, c.Sent/10*2, "twice to two members")
			assert.Equal(t, c.Lost+c.Reordered+c.Unexpected, uint64(0))
		}},
		{"sends the last of ten before the one before it", func(n int, text string, held *string) []string {
			switch n % 10 {
			case 8:
				*held = text
				return nil
			case 9:
				return []string{text, *held}
			}
			return []string{text}
		}, func(t *testing.T, c result.Counts) {
			assert.Equal(t, c.Reordered, c.Sent/10*2, "overtaken at two members")
			assert.Equal(t, c.Duplicated+c.Unexpected, uint64(0))
		}},
		{"cuts every tenth short", func(n int, text string, _ *string) []string {
			if n%10 == 9 {
				return []string{strings.Replace(text, "...", "..", 1)}
			}
			return []string{text}
		}, func(t *testing.T, c result.Counts) {
			assert.Equal(t, c.Unexpected, c.Sent/10*2, "another length at two members")
			assert.Equal(t, c.Lost, c.Sent/10*2, "and not counted as received")
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := plan20(fake(t, test.relay), 0)
			p.n = 2
			p.warmup = 0
			r, err := runFanout(p, 1, 200, 0)
			assert.NoError(t, err)
			assert.True(t, r.Counts.Sent >= 20, "enough was sent")
			test.check(t, r.Counts)
		})
	}
}

func TestALostMessageDoesNotStopASaturatedRun(t *testing.T) {
	p := plan20(fake(t, func(n int, text string, _ *string) []string {
		if n == 5 {
			return nil
		}
		return []string{text}
	}), 0)
	p.n, p.warmup, p.duration = 2, 0, time.Second
	r, err := runFanout(p, 1, 0, 0)
	assert.NoError(t, err)
	assert.Equal(t, r.Counts.Stuck, uint64(1))
	assert.Equal(t, r.Counts.Lost, uint64(2))
	assert.True(t, r.Counts.Sent > 6, "it went on")
}

func TestRefusalsAreCounted(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "full", http.StatusServiceUnavailable)
	}))
	defer server.Close()
	for _, polling := range []bool{false, true} {
		p := plan20(strings.TrimPrefix(server.URL, "http://"), 0)
		p.at.polling = polling
		r, err := runAcks(p, 1, 0)
		assert.NoError(t, err)
		assert.Equal(t, r.Counts.Refused, uint64(20))
		assert.Equal(t, r.Counts.Opened, uint64(0))
	}
}

// clean fails the test when anything was lost, reordered, doubled, refused or odd.
func clean(t *testing.T, r *result.Run) {
	t.Helper()
	c := r.Counts
	c.Opened, c.Sent, c.Due, c.Received = 0, 0, 0, 0
	if r.Attack != nil {
		r.Problems = nil // the attacker is thrown out
	}
	assert.Equal(t, c, result.Counts{})
	assert.Equal(t, len(r.Problems), 0, fmt.Sprint(r.Problems))
	assert.Equal(t, r.Fault, "")
	assert.Equal(t, r.Counts.Received, r.Counts.Due)
}

// plan20 is a short run with 20 clients.
func plan20(addr string, pid int) *plan {
	tcp, err := net.ResolveTCPAddr("tcp4", addr)
	if err != nil {
		panic(err)
	}
	return &plan{
		at: target{
			tongue:  room{},
			address: unix.SockaddrInet4{Port: tcp.Port, Addr: [4]byte(tcp.IP.To4())},
			host:    addr, sources: 4, size: 100,
		},
		server: process{pid}, n: 20, workers: 8,
		warmup: 50 * time.Millisecond, duration: 300 * time.Millisecond, limit: 10 * time.Second, quiet: 500 * time.Millisecond,
	}
}
