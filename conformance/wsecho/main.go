// Command wsecho echoes WebSocket messages, for protocol suites that test the
// WebSocket layer alone: text and binary up to 32 MiB, permessage-deflate when it is
// offered, on any path.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/kachi-io/kachi/engineio/websocket"
	"github.com/kachi-io/kachi/internal/outbox"
)

const maxMessage = 32 << 20

func main() {
	addr := flag.String("addr", "127.0.0.1:3000", "address to listen on")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *addr); err != nil {
		fmt.Fprintln(os.Stderr, "wsecho:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, addr string) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Printf("echoing on ws://%s\n", listener.Addr())
	server := &http.Server{Handler: http.HandlerFunc(accept), ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// A suite is no browser: there is nothing to protect from other origins.
func accept(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, &websocket.Options{
		MaxMessage: maxMessage,
		Deflate:    &websocket.Deflate{Threshold: -1},
		Queue:      outbox.Limits{Bytes: 2 * maxMessage},
	})
	if err != nil {
		return // answered
	}
	go echo(c)
}

func echo(c *websocket.Conn) {
	for {
		t, data, err := c.Read()
		if err != nil {
			return
		}
		f := websocket.NewFrame(t, data)
		for errors.Is(c.Send(f), websocket.ErrFull) {
			time.Sleep(time.Millisecond) // not reading on holds a fast sender back
		}
	}
}
