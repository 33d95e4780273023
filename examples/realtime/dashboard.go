package main

import (
	"context"
	"log/slog"
	"runtime"
	"time"

	"github.com/kachi-io/kachi/gateway"
)

// DashboardUpdate has the figures of this moment.
var DashboardUpdate = gateway.NewEvent[Figures]("dashboardUpdate")

// Figures are what the dashboard shows.
type Figures struct {
	Clients    int       `json:"clients"` // of this server
	Goroutines int       `json:"goroutines"`
	At         time.Time `json:"at"`
}

// Dashboard sends figures to all who are connected to this server, as long as there is
// somebody.
type Dashboard struct {
	emitter  gateway.Emitter
	interval time.Duration
	figures  func(ctx context.Context, clients int) (Figures, error)
	log      *slog.Logger

	stop chan struct{}
	done chan struct{}
}

// NewDashboard makes a dashboard that is updated every interval.
func NewDashboard(emitter gateway.Emitter, interval time.Duration, log *slog.Logger) *Dashboard {
	return &Dashboard{emitter: emitter, interval: interval, figures: measure, log: log, stop: make(chan struct{}), done: make(chan struct{})}
}

// Start begins to send. It goes with [gateway.App.OnStart], and so does Stop.
func (d *Dashboard) Start(context.Context) error {
	go d.run()
	return nil
}

// Stop returns when nothing is sent any more.
func (d *Dashboard) Stop(ctx context.Context) error {
	close(d.stop)
	select {
	case <-d.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// run is one goroutine, so updates never overlap: a tick that comes during one is left out.
func (d *Dashboard) run() {
	defer close(d.done)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ticker := time.NewTicker(d.interval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if err := d.update(ctx); err != nil {
				d.log.Error("dashboard", "error", err)
			}
		case <-d.stop:
			return
		}
	}
}

// update sends to the clients of this server alone: the other servers have a dashboard of
// their own.
func (d *Dashboard) update(ctx context.Context) error {
	here := d.emitter.Namespace("/").Local()
	clients, err := here.Count(ctx)
	if err != nil || clients == 0 {
		return err
	}
	figures, err := d.figures(ctx, clients)
	if err != nil {
		return err
	}
	return DashboardUpdate.Emit(ctx, here, figures)
}

func measure(_ context.Context, clients int) (Figures, error) {
	return Figures{Clients: clients, Goroutines: runtime.NumGoroutine(), At: time.Now()}, nil
}
