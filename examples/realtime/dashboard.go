package main

import (
	"context"
	"runtime"
	"time"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/schedule"
)

// DashboardUpdate has the figures of this moment.
var DashboardUpdate = gateway.NewEvent[Figures]("dashboardUpdate")

// Figures are what the dashboard shows.
type Figures struct {
	Clients    int       `json:"clients"` // of this server
	Goroutines int       `json:"goroutines"`
	At         time.Time `json:"at"`
}

// Dashboard sends figures to all who are connected to this server.
type Dashboard struct {
	emitter gateway.Emitter
	figures func(ctx context.Context, clients int) (Figures, error)
}

// NewDashboard makes a dashboard.
func NewDashboard(emitter gateway.Emitter) *Dashboard {
	return &Dashboard{emitter: emitter, figures: measure}
}

// Every sends the figures again and again, as long as there is somebody. One update never
// begins before the last has ended.
func (d *Dashboard) Every(interval time.Duration) *schedule.Job {
	return schedule.Every(interval, d.update, schedule.Options{WhenListened: d.here})
}

// here are the clients of this server alone: the other servers have a dashboard of their own.
func (d *Dashboard) here() gateway.Target { return d.emitter.Namespace("/").Local() }

func (d *Dashboard) update(ctx context.Context) error {
	clients, err := d.here().Count(ctx)
	if err != nil {
		return err
	}
	figures, err := d.figures(ctx, clients)
	if err != nil {
		return err
	}
	return DashboardUpdate.Emit(ctx, d.here(), figures)
}

func measure(_ context.Context, clients int) (Figures, error) {
	return Figures{Clients: clients, Goroutines: runtime.NumGoroutine(), At: time.Now()}, nil
}
