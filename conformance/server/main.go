// Command server is what the public protocol suites of Engine.IO and Socket.IO expect to
// find: short intervals, every origin, and handlers that send back what they get.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// settings are the command's flags.
type settings struct {
	addr           string
	path           string
	engineOnly     bool
	pingInterval   time.Duration
	pingTimeout    time.Duration
	connectTimeout time.Duration
	maxPayload     int
	cors           origins
	recovery       bool
	eio3           bool
}

// service is what one mode of the command serves.
type service interface {
	http.Handler
	Shutdown(ctx context.Context) error
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		slog.Error(err.Error())
		os.Exit(1)
	}
}

func run(args []string) error {
	s, err := parse(args)
	if err != nil {
		return err
	}
	srv, err := s.service()
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle(s.path, srv)
	if s.engineOnly && s.path != enginePath {
		mux.Handle(enginePath, srv) // where the Engine.IO suite looks
	}
	l, err := net.Listen("tcp", s.addr)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	host := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- host.Serve(l) }()
	fmt.Printf("listening on http://%s%s\n", l.Addr(), s.path)
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return errors.Join(srv.Shutdown(ctx), host.Shutdown(ctx))
}

func parse(args []string) (settings, error) {
	s := settings{cors: "*"}
	f := flag.NewFlagSet("server", flag.ContinueOnError)
	f.StringVar(&s.addr, "addr", "127.0.0.1:3000", "`address` to listen on")
	f.StringVar(&s.path, "path", "/socket.io/", "`path` to serve")
	f.BoolVar(&s.engineOnly, "engine-only", false, "serve a bare Engine.IO echo, at "+enginePath+" as well")
	f.DurationVar(&s.pingInterval, "ping-interval", 300*time.Millisecond, "time between pings")
	f.DurationVar(&s.pingTimeout, "ping-timeout", 200*time.Millisecond, "time for the pong")
	f.DurationVar(&s.connectTimeout, "connect-timeout", time.Second, "time for the first namespace to be joined")
	f.IntVar(&s.maxPayload, "max-payload", 1_000_000, "`bytes` of a message or a polling body")
	f.Var(&s.cors, "cors", "`origins` that may connect, with commas; -cors alone means all")
	f.BoolVar(&s.recovery, "recovery", false, "turn connection state recovery on")
	f.BoolVar(&s.eio3, "allow-eio3", false, "serve protocol 3 of Engine.IO as well")
	for {
		if err := f.Parse(args); err != nil {
			return s, err
		}
		if f.NArg() == 0 {
			break
		}
		// "-cors https://example.com": the flag may stand alone, so its value is left over.
		if before := args[max(len(args)-f.NArg()-1, 0)]; strings.TrimLeft(before, "-") != "cors" {
			return s, fmt.Errorf("unexpected argument %q", f.Arg(0))
		}
		if err := s.cors.Set(f.Arg(0)); err != nil {
			return s, err
		}
		args = f.Args()[1:]
	}
	if !strings.HasPrefix(s.path, "/") {
		s.path = "/" + s.path
	}
	if !strings.HasSuffix(s.path, "/") {
		s.path += "/"
	}
	return s, nil
}

// service makes the mode that the flags ask for.
func (s *settings) service() (service, error) {
	if s.engineOnly {
		return newEngine(s)
	}
	return newSocketIO(s)
}

// origins is the value of -cors.
type origins string

func (o *origins) String() string   { return string(*o) }
func (o *origins) IsBoolFlag() bool { return true }
func (o *origins) Set(v string) error {
	switch v {
	case "true":
		v = "*"
	case "false":
		v = ""
	}
	*o = origins(v)
	return nil
}

func (o *origins) list() []string {
	if *o == "" {
		return nil
	}
	return strings.Split(string(*o), ",")
}
