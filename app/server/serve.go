package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/kachi-io/kachi/engineio"
)

// Serve answers requests from the listener until ctx ends. Then it ends all connections,
// whose clients will try to come back, closes the database, and returns nil when all is
// done within [Options.ShutdownTimeout]. A server serves once.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	if err := s.app.Start(ctx); err != nil {
		return errors.Join(err, listener.Close(), s.Close())
	}
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
	err := s.app.Stop(ctx)
	if failed := host.Shutdown(ctx); failed != nil {
		err = errors.Join(err, failed, host.Close())
	}
	err = errors.Join(err, s.Close())
	total := s.app.Server().Stats()
	s.log.Info("stopped", "connections", total.Engine.Opened, "closed", total.Engine.Closed, "refused", total.Engine.Refused,
		"dropped", total.Engine.Dropped, "sockets", total.Admitted, "protocol errors", total.ProtocolErrors, "failed", total.Failed)
	return err
}

// Close closes the database of a server that does not serve.
func (s *Server) Close() error { return s.db.Close() }
