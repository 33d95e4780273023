package server

import (
	"context"
	"net/http"
	"time"

	"github.com/kachi-io/kachi/app/api"
	"github.com/kachi-io/kachi/gateway/asyncapi"
)

// route says what is where.
func (s *Server) route(site http.Handler) {
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", s.app)
	mux.Handle("/api/", s.api)
	mux.HandleFunc("GET /healthz", s.health)
	mux.HandleFunc("GET /readyz", s.ready)
	mux.Handle("/", site)
	s.handler = identified(mux)
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
