//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/kachi-io/kachi/bench/result"
)

func main() {
	if err := command(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func command(args []string) error {
	if len(args) == 0 {
		return errors.New("which scenario? idle, fanout, acks, connects, hostile or chat")
	}
	flags := flag.NewFlagSet("load "+args[0], flag.ContinueOnError)
	var (
		addr      = flags.String("addr", "127.0.0.1:3000", "the server's IPv4 address and port")
		pid       = flags.Int("pid", 0, "the server's process, whose memory and time are measured; 0: not measured")
		transport = flags.String("transport", "websocket", "websocket or polling")
		n         = flags.Int("n", 100, "connections (idle, acks, hostile) or members (fanout); 0: as many as descriptors allow")
		size      = flags.Int("size", 100, "bytes of a payload, a JSON string with its quotes")
		workers   = flags.Int("workers", 64, "connections being opened at a time")
		sources   = flags.Int("sources", 8, "loopback addresses to connect from, 127.0.0.2 and up; 0: the system's choice")
		inflight  = flags.Int("inflight", 1, "messages under way: of the sender (fanout), of each connection (acks)")
		rate      = flags.Float64("rate", 0, "messages per second, on a schedule (fanout, acks, hostile, chat); 0: as fast as inflight allows")
		deaf      = flags.Int("deaf", 0, "members more that never read (fanout)")
		fill      = flags.Bool("fill", false, "fill the buffers of deaf members before the window, so that they are stuck all the time (fanout)")
		people    = flags.Int("people", 50, "accounts that the connections belong to (chat)")
		kind      = flags.String("kind", "none", "none, flood, large or storm (hostile)")
		warmup    = flags.Duration("warmup", time.Second, "not measured")
		duration  = flags.Duration("duration", 5*time.Second, "measured")
		rest      = flags.Duration("rest", 3*time.Second, "before memory is read (idle)")
		collect   = flags.Bool("collect", false, "send SIGUSR2 to the server for a collection before reading memory once more (idle)")
		limit     = flags.Duration("limit", time.Minute, "for opening all connections")
	)
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	at, err := netip.ParseAddrPort(*addr)
	if err != nil || !at.Addr().Is4() {
		return fmt.Errorf("not an IPv4 address and port: %q", *addr)
	}
	if *transport != "websocket" && *transport != "polling" {
		return fmt.Errorf("no such transport: %q", *transport)
	}
	if *n < 0 || *workers < 1 || *inflight < 1 || *rate < 0 || *sources < 0 || *sources > 250 {
		return errors.New("a number is out of range")
	}
	// Some descriptors are the runtime's, the server's listener and log, the sender.
	if most := raiseLimit() - 64; *n == 0 || *n > most {
		*n = most
	}
	if *fill && (*deaf == 0 || *transport != "websocket" || !at.Addr().IsLoopback()) {
		return errors.New("-fill is for deaf members over WebSocket, and a server on this machine")
	}
	if !at.Addr().IsLoopback() {
		*sources = 0
	}
	p := &plan{
		at: target{
			address: unix.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()},
			host:    *addr,
			polling: *transport == "polling",
			sources: *sources,
			size:    *size,
			tongue:  room{},
		},
		server:   process{*pid},
		n:        *n,
		workers:  *workers,
		warmup:   *warmup,
		duration: *duration,
		limit:    *limit,
		fill:     *fill,
		quiet:    2 * time.Second,
	}
	var r *result.Run
	switch args[0] {
	case "idle":
		r, err = runIdle(p, *rest, *collect)
	case "fanout":
		r, err = runFanout(p, *inflight, *rate, *deaf)
	case "acks":
		r, err = runAcks(p, *inflight, *rate)
	case "connects":
		r, err = runConnects(p)
	case "chat":
		if *rate == 0 {
			*rate = 20
		}
		r, err = runChat(p, *people, *rate)
	case "hostile":
		if *rate == 0 {
			*rate = 500
		}
		r, err = runHostile(p, *kind, *rate)
	default:
		return fmt.Errorf("no such scenario: %q", args[0])
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}
