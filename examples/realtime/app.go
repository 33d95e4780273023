package main

import (
	"crypto/subtle"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/kachi-io/kachi/examples/people"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/limit"
	"github.com/kachi-io/kachi/socketio"
)

// Options configures the example.
type Options struct {
	People       *people.People
	ServiceToken string        // of who may notify
	Interval     time.Duration // of the dashboard
	Socket       socketio.Options
	Logger       *slog.Logger
}

// New puts the parts together: the hub first, then the services, then the gateways.
func New(o Options) (*gateway.App, http.Handler, error) {
	hub := gateway.NewHub()
	notifications := &Notifications{hub}
	dashboard := NewDashboard(hub, o.Interval, o.Logger)
	visitors := Visitors{o.People}

	// Each client may send 20 events a second, a hundred at once.
	rate := limit.PerSocket(20, time.Second, limit.Options{Burst: 100})
	app, err := gateway.NewApp(&gateway.Options{Hub: hub, Use: []gateway.Layer{rate}, Socket: o.Socket, Logger: o.Logger},
		NewPublic(visitors, notifications),
		NewChat(visitors),
		NewSecure(visitors, hub),
	)
	if err != nil {
		return nil, nil, err
	}
	app.OnStart("dashboard", dashboard.Start, dashboard.Stop)

	mux := http.NewServeMux()
	mux.Handle("/socket.io/", app)
	mux.Handle("POST /notifications/{user}", notify(notifications, o.ServiceToken))
	return app, mux, nil
}

// notify lets another service notify a user: the body is the notification.
func notify(notifications *Notifications, token string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+token)) == 0 {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
		if err != nil || !json.Valid(body) {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if err := notifications.Send(r.Context(), r.PathValue("user"), json.RawMessage(body)); err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	}
}
