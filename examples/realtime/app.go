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
	"github.com/kachi-io/kachi/gateway/schedule"
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
	if err := schedule.With(app, NewDashboard(hub).Every(o.Interval)); err != nil {
		return nil, nil, err
	}

	mux := http.NewServeMux()
	mux.Handle("/socket.io/", app)
	mux.Handle("POST /notifications/{user}", notify(notifications, o.ServiceToken))
	return app, mux, nil
}

// notify lets another service notify a user: the body is the notification.
func notify(notifications *Notifications, token string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+token)) == 0 {
			gateway.WriteError(w, r, gateway.Unauthorized("A service's token is needed"))
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
		if err != nil || !json.Valid(body) {
			gateway.WriteError(w, r, gateway.NewError(gateway.CodeBadRequest, "The body is JSON, of 64 KiB at most"))
			return
		}
		if err := notifications.Send(r.Context(), r.PathValue("user"), json.RawMessage(body)); err != nil {
			gateway.WriteError(w, r, err)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	}
}
