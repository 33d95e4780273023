// Command server is this project's side of the benchmarks. In the namespace "/":
// "join" (room) joins that room and is acknowledged; "chat" (payload) is broadcast as
// "chat" with the same payload to every member of the room "room"; "echo" (payload) is
// acknowledged with the payload. The peers under bench/peers do the same.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/socketio"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:3000", "address to listen on")
	batchDelay := flag.Duration("batch-delay", 0, "socketio.Options.BatchDelay")
	flag.Parse()
	collect()
	if err := run(*addr, *batchDelay); err != nil {
		fmt.Fprintln(os.Stderr, "bench server:", err)
		os.Exit(1)
	}
}

// collect gives memory back on SIGUSR2, for the measurement of connections at rest.
func collect() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR2)
	go func() {
		for range signals {
			debug.FreeOSMemory()
		}
	}()
}

func run(addr string, batchDelay time.Duration) error {
	srv := socketio.NewServer(&socketio.Options{AllowedOrigins: []string{"*"}, BatchDelay: batchDelay})
	register(srv.Namespace)

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", srv)
	host := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- host.Serve(engineio.FairListener(listener)) }()
	fmt.Println("listening on", listener.Addr())
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return errors.Join(srv.Shutdown(ending), host.Shutdown(ending))
}

func register(ns *socketio.Namespace) {
	room := ns.To("room")
	ns.On("join", func(_ context.Context, e *socketio.Event) error {
		var name string
		if err := e.Decode(&name); err != nil {
			return err
		}
		e.Socket().Join(name)
		return e.Ack()
	})
	ns.On("chat", func(_ context.Context, e *socketio.Event) error {
		var payload json.RawMessage
		if err := e.Decode(&payload); err != nil {
			return err
		}
		return room.Emit("chat", payload)
	})
	ns.On("echo", func(_ context.Context, e *socketio.Event) error {
		var payload json.RawMessage
		if err := e.Decode(&payload); err != nil {
			return err
		}
		return e.Ack(payload)
	})
}
