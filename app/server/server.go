// Package server puts the parts of the application together into one HTTP server:
// Socket.IO with its gateways, the client files, the pages, and the health check.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/kachi-io/kachi/app/chat"
	"github.com/kachi-io/kachi/app/pages"
	"github.com/kachi-io/kachi/clientfiles"
	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/socketio"
	"github.com/kachi-io/kachi/web"
)

// Options configures a [Server]. The zero value of each field is its default.
type Options struct {
	// AllowedOrigins are other sites whose pages may connect, "https://host[:port]", or
	// "*" for all. Default: the server's own pages only.
	AllowedOrigins []string
	// TrustedProxies, MaxConnections, MaxPerAddress, MaxPayload, PingInterval and PingTimeout
	// are those of [socketio.Options], with the same defaults.
	TrustedProxies []netip.Prefix
	MaxConnections int
	MaxPerAddress  int
	MaxPayload     int
	PingInterval   time.Duration
	PingTimeout    time.Duration
	// Static is a folder whose files are served in place of the server's own pages. Default
	// none.
	Static string
	// ShutdownTimeout bounds how long requests and connections may take to end.
	// Default 10 s.
	ShutdownTimeout time.Duration
	// Logger gets what an operator should know. Default none.
	Logger *slog.Logger
}

// Server is the application.
type Server struct {
	opts     Options
	log      *slog.Logger
	sockets  *socketio.Server
	handler  http.Handler
	stopping atomic.Bool
}

// New builds the application. An error says what is wrong with the options, or that
// the program was put together without its pages' folder.
func New(o *Options) (*Server, error) {
	s := &Server{}
	if o != nil {
		s.opts = *o
	}
	if s.opts.ShutdownTimeout == 0 {
		s.opts.ShutdownTimeout = 10 * time.Second
	}
	s.log = s.opts.Logger
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}

	site, err := s.site()
	if err != nil {
		return nil, err
	}
	options := &socketio.Options{
		AllowedOrigins: s.opts.AllowedOrigins,
		TrustedProxies: s.opts.TrustedProxies,
		MaxConnections: s.opts.MaxConnections,
		MaxPerAddress:  s.opts.MaxPerAddress,
		MaxPayload:     s.opts.MaxPayload,
		PingInterval:   s.opts.PingInterval,
		PingTimeout:    s.opts.PingTimeout,
		ClientFiles:    clientfiles.FS(),
		Logger:         s.log,
	}
	if err := options.Validate(); err != nil {
		return nil, err
	}
	s.sockets = socketio.NewServer(options)
	chat.Mount(s.sockets.Of("/chat"), &chat.Options{Logger: s.log})

	mux := http.NewServeMux()
	mux.Handle("/socket.io/", s.sockets)
	mux.HandleFunc("GET /healthz", s.health)
	mux.Handle("/", site)
	s.handler = mux
	return s, nil
}

// site is what is at "/".
func (s *Server) site() (http.Handler, error) {
	const notBuilt = "the pages are not built into this program: run `make build` in the project's folder"
	if s.opts.Static != "" {
		if clientfiles.Version() == "" {
			s.log.Warn(notBuilt) // nor is the client script, which a page may want
		}
		return pages.Folder(s.opts.Static)
	}
	own, err := pages.New(web.Pages())
	if err != nil {
		return nil, err
	}
	if !own.Built() || clientfiles.Version() == "" {
		s.log.Warn(notBuilt)
	}
	return own, nil
}

// ServeHTTP serves everything. It may be called before and during [Server.Serve].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Serve answers requests from the listener until ctx ends. Then it ends all
// connections, whose clients will try to come back, and returns nil when all is done
// within [Options.ShutdownTimeout]. A server serves once.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	host := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug), // clients' broken connections
	}
	served := make(chan error, 1)
	go func() { served <- host.Serve(engineio.FairListener(listener)) }()

	select {
	case err := <-served: // the listener broke
		return errors.Join(fmt.Errorf("server: %w", err), s.shutdown(host))
	case <-ctx.Done():
	}
	s.log.Info("stopping")
	err := s.shutdown(host)
	if failed := <-served; !errors.Is(failed, http.ErrServerClosed) {
		err = errors.Join(err, failed)
	}
	return err
}

func (s *Server) shutdown(host *http.Server) error {
	s.stopping.Store(true)
	ctx, cancel := context.WithTimeout(context.Background(), s.opts.ShutdownTimeout)
	defer cancel()
	// Sockets first: a waiting poll is a request that the host would wait for.
	err := s.sockets.Shutdown(ctx)
	if failed := host.Shutdown(ctx); failed != nil {
		err = errors.Join(err, failed, host.Close())
	}
	total := s.sockets.Stats()
	s.log.Info("stopped", "connections", total.Engine.Opened, "closed", total.Engine.Closed, "refused", total.Engine.Refused,
		"dropped", total.Engine.Dropped, "sockets", total.Admitted, "protocol errors", total.ProtocolErrors, "failed", total.Failed)
	return err
}

// health answers 200 while the server takes connections, 503 when it is stopping.
func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if s.stopping.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(`{"status":"stopping"}` + "\n"))
		return
	}
	_, _ = w.Write([]byte(`{"status":"ok"}` + "\n"))
}
