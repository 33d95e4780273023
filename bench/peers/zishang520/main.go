// Command zishang520 is the peer github.com/zishang520/socket.io, the most complete other
// Socket.IO server in Go, used as its documentation says, with the contract of
// bench/server.
package main

import (
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/zishang520/socket.io/servers/socket/v3"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:3000", "address to listen on")
	flag.Parse()
	collect()

	io := socket.NewServer(nil, nil)
	_ = io.On("connection", func(clients ...any) {
		client, ok := clients[0].(*socket.Socket)
		if !ok {
			return
		}
		_ = client.On("join", func(args ...any) {
			room, _ := args[0].(string)
			client.Join(socket.Room(room))
			if ack, ok := args[len(args)-1].(socket.Ack); ok {
				ack(nil, nil)
			}
		})
		_ = client.On("chat", func(args ...any) {
			_ = io.To("room").Emit("chat", args[0])
		})
		_ = client.On("echo", func(args ...any) {
			if ack, ok := args[len(args)-1].(socket.Ack); ok {
				ack(args[:1], nil)
			}
		})
	})
	http.Handle("/socket.io/", io.ServeHandler(nil))

	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("listening on", listener.Addr())
	fmt.Fprintln(os.Stderr, http.Serve(listener, nil))
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
