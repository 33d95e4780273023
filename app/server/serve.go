package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/kachi-io/kachi/app/certificates"
	"github.com/kachi-io/kachi/engineio"
)

// Listeners are where a server is reached. All but Main may be nil.
type Listeners struct {
	Main     net.Listener // pages, API and documents; Socket.IO as well, unless Options.SocketsApart
	Sockets  net.Listener // Socket.IO and its client script, where Options.SocketsApart
	Private  net.Listener // metrics and profiles, for those who run the server
	Redirect net.Listener // plain HTTP, sent on to HTTPS at Main
}

// Serve is [Server.ServeAt] with everything at one address.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	return s.ServeAt(ctx, Listeners{Main: listener})
}

// ServeAt answers requests from the listeners until ctx ends. Then /readyz says so for
// [Options.DrainDelay], in which all goes on as before; then all connections are ended, whose
// clients will try to come back, and the database is closed. ServeAt returns nil when all
// is done within [Options.ShutdownTimeout]. A server serves once.
func (s *Server) ServeAt(ctx context.Context, at Listeners) error {
	hosts, private := s.hosts(at)
	all := slices.Concat(hosts, private)
	if err := s.app.Start(ctx); err != nil {
		for _, h := range all {
			err = errors.Join(err, h.listener.Close())
		}
		return errors.Join(err, s.Close())
	}
	served := make(chan error, len(all))
	for _, h := range all {
		go func() { served <- h.serve() }()
	}
	running := len(all)
	failed := func(err error) error { return fmt.Errorf("server: %w", err) }

	var err error
	select {
	case broken := <-served: // a listener broke
		err, running = failed(broken), running-1
	case <-ctx.Done():
		s.stopping.Store(true)
		s.log.Info("stopping")
		if s.opts.DrainDelay > 0 {
			timer := time.NewTimer(s.opts.DrainDelay)
			select {
			case <-timer.C:
			case broken := <-served:
				err, running = failed(broken), running-1
				timer.Stop()
			}
		}
	}
	err = errors.Join(err, s.shutdown(hosts, private))
	for range running {
		if broken := <-served; !errors.Is(broken, http.ErrServerClosed) {
			err = errors.Join(err, failed(broken))
		}
	}
	return err
}

// host is an http.Server with its listener.
type host struct {
	*http.Server
	listener net.Listener
}

func (h *host) serve() error {
	l := engineio.FairListener(h.listener)
	if h.TLSConfig != nil {
		return h.ServeTLS(l, "", "")
	}
	return h.Serve(l)
}

const readHeaderTimeout = 10 * time.Second

// hosts makes what serves at each listener. Nobody is waited for without an end: a request's
// headers, its body, the next request, and whoever reads an answer have their time. engineio
// lifts these bounds from polls, which wait, and has its own.
func (s *Server) hosts(at Listeners) (hosts, private []*host) {
	add := func(to *[]*host, l net.Listener, handler http.Handler) *host {
		if l == nil {
			return &host{Server: &http.Server{}}
		}
		h := &host{&http.Server{
			Handler:           handler,
			ReadHeaderTimeout: readHeaderTimeout,
			IdleTimeout:       2 * time.Minute,
			MaxHeaderBytes:    64 << 10,
			ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug), // clients' broken connections
		}, l}
		if to == &hosts { // profiles take as long as their readers ask for
			h.ReadTimeout, h.WriteTimeout = s.opts.ReadTimeout, s.opts.WriteTimeout
			// Of a connection: its requests' time-outs end only them.
			h.HTTP2 = &http.HTTP2Config{WriteByteTimeout: s.opts.WriteTimeout}
		}
		*to = append(*to, h)
		return h
	}
	add(&hosts, at.Main, s).TLSConfig = s.opts.TLS
	s.ports.main.Store(portOf(at.Main.Addr()))
	add(&hosts, at.Sockets, s.sockets).TLSConfig = s.opts.TLS
	if at.Sockets != nil {
		s.ports.sockets.Store(portOf(at.Sockets.Addr()))
	}
	redirect := certificates.Redirect(at.Main.Addr())
	if s.opts.Challenges != nil {
		redirect = s.opts.Challenges(redirect)
	}
	add(&hosts, at.Redirect, redirect)
	add(&private, at.Private, s.private)
	return hosts, private
}

// windingDown has clients of a server that stops put their next request on another
// connection: one that is idle when it is closed may just have got one.
func (s *Server) windingDown(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.stopping.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) shutdown(hosts, private []*host) error {
	s.stopping.Store(true)
	ctx, cancel := context.WithTimeout(context.Background(), s.opts.ShutdownTimeout)
	defer cancel()
	// Sockets first: a waiting poll is a request that the host would wait for.
	err := s.app.Stop(ctx)
	ended := make(chan error)
	for _, h := range hosts {
		go func() {
			failed := h.Shutdown(ctx)
			if failed != nil {
				failed = errors.Join(failed, h.Server.Close())
			}
			ended <- failed
		}()
	}
	for range hosts {
		err = errors.Join(err, <-ended)
	}
	err = errors.Join(err, s.Close())
	for _, h := range private { // told to the end, and waits for no profile
		err = errors.Join(err, h.Server.Close())
	}
	total := s.app.Server().Stats()
	s.log.Info("stopped", "connections", total.Engine.Opened, "closed", total.Engine.Closed, "refused", total.Engine.Refused,
		"dropped", total.Engine.Dropped, "sockets", total.Admitted, "protocol errors", total.ProtocolErrors, "failed", total.Failed)
	return err
}

// Close closes the database of a server that does not serve.
func (s *Server) Close() error { return s.db.Close() }
