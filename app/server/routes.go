package server

import (
	"context"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/kachi-io/kachi/app/api"
	"github.com/kachi-io/kachi/gateway/asyncapi"
)

const socketPath = "/socket.io/"

// route says what is where.
func (s *Server) route(site http.Handler) {
	mux := http.NewServeMux()
	mux.Handle("/api/", s.api)
	mux.Handle("GET /docs/", s.docs)
	mux.Handle("/", site)
	if !s.opts.PrivateMetrics {
		mux.Handle("GET /metrics", s.figures.http)
	}
	s.probes(mux)
	if !s.opts.SocketsApart {
		mux.Handle(socketPath, s.app)
	}
	s.handler = identified(s.windingDown(s.observed(mux)))

	sockets := http.NewServeMux()
	sockets.Handle(socketPath, s.app)
	s.probes(sockets)
	s.sockets = identified(s.windingDown(s.observed(sockets)))

	private := http.NewServeMux()
	private.Handle("GET /metrics", s.figures.http)
	s.probes(private)
	private.HandleFunc("GET /debug/pprof/", pprof.Index) // and the profiles that have a name
	private.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	private.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	private.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	private.HandleFunc("GET /debug/pprof/cmdline", func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "Not told: there may be secrets in it", http.StatusForbidden)
	})
	s.private = private
}

// probes are for those who watch the server: each listener has them.
func (s *Server) probes(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", s.health)
	mux.HandleFunc("GET /readyz", s.ready)
}

// ServeHTTP serves everything. It may be called before and during [Server.Serve].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Gateways returns the app, which says what its gateways do: for documents of it.
func (s *Server) Gateways() asyncapi.Registry { return s.app }

// Routes returns what there is to call over HTTP.
func (s *Server) Routes() []api.Route { return s.api.Routes() }

// health answers 200 while the process works, 503 when it is stopping.
func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	if s.stopping.Load() {
		status(w, http.StatusServiceUnavailable, `{"status":"stopping"}`)
		return
	}
	status(w, http.StatusOK, `{"status":"ok"}`)
}

// ready answers 200 when requests should come here: the server is not stopping, and its
// database works.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
	defer cancel()
	switch {
	case s.stopping.Load():
		status(w, http.StatusServiceUnavailable, `{"status":"stopping"}`)
	case s.db.Ready(ctx) != nil: // the store has logged why
		status(w, http.StatusServiceUnavailable, `{"status":"unavailable","database":"does not work"}`)
	default:
		status(w, http.StatusOK, `{"status":"ok"}`)
	}
}

func status(w http.ResponseWriter, code int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(body + "\n"))
}
