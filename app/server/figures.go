package server

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/kachi-io/kachi/app/store"
	observe "github.com/kachi-io/kachi/observe/prometheus"
)

// figures are what /metrics tells: of gateways and sockets, of HTTP, of the database, and of
// the process.
type figures struct {
	calls    *observe.Metrics
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	http     http.Handler
}

func newFigures(db *store.DB) *figures {
	f := &figures{
		calls: observe.New(nil),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kachi_http_requests_total", Help: "Requests, but for those of Socket.IO.",
		}, []string{"route", "method", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "kachi_http_request_duration_seconds", Help: "From the request's headers to the end of the answer.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"route"}),
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(f.calls, f.requests, f.duration, newDatabaseFigures(db),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	f.http = promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	return f
}

// request counts one. Labels are bounded: by the routes that there are, the methods that are
// in use, and the statuses.
func (f *figures) request(route, method string, status int, took time.Duration) {
	if _, path, ok := strings.Cut(route, " "); ok { // "GET /api/rooms"
		route = path
	}
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
	default:
		method = "other"
	}
	f.requests.WithLabelValues(route, method, strconv.Itoa(status)).Inc()
	f.duration.WithLabelValues(route).Observe(took.Seconds())
}

// databaseFigures tells what a database counts by itself.
type databaseFigures struct {
	db  *store.DB
	all []databaseFigure
}

type databaseFigure struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	get  func(store.Stats) float64
}

func newDatabaseFigures(db *store.DB) *databaseFigures {
	f := &databaseFigures{db: db}
	add := func(kind prometheus.ValueType, name, help string, get func(store.Stats) float64) {
		f.all = append(f.all, databaseFigure{prometheus.NewDesc("kachi_database_"+name, help, nil, nil), kind, get})
	}
	const now, total = prometheus.GaugeValue, prometheus.CounterValue
	add(now, "up", "1 where the last operation met a database that works, 0 where not.", func(s store.Stats) float64 {
		if s.Up {
			return 1
		}
		return 0
	})
	add(now, "queue", "Transactions that wait for the one writer of SQLite.", func(s store.Stats) float64 { return float64(s.Waiting) })
	add(total, "writes_total", "Transactions that were committed.", func(s store.Stats) float64 { return float64(s.Writes) })
	add(total, "writes_failed_total", "Transactions that were not committed, also for reasons of the caller's.", func(s store.Stats) float64 { return float64(s.Failed) })
	add(total, "commits_total", "Commits, each of one transaction or of several that waited.", func(s store.Stats) float64 { return float64(s.Commits) })
	add(now, "connections", "Connections that are open.", func(s store.Stats) float64 { return float64(s.Open) })
	add(now, "connections_in_use", "Connections that are at work.", func(s store.Stats) float64 { return float64(s.InUse) })
	add(total, "connections_awaited_total", "How often somebody waited for a connection.", func(s store.Stats) float64 { return float64(s.Awaiting) })
	return f
}

// Describe implements [prometheus.Collector].
func (f *databaseFigures) Describe(to chan<- *prometheus.Desc) {
	for _, one := range f.all {
		to <- one.desc
	}
}

// Collect implements [prometheus.Collector].
func (f *databaseFigures) Collect(to chan<- prometheus.Metric) {
	stats := f.db.Stats()
	for _, one := range f.all {
		to <- prometheus.MustNewConstMetric(one.desc, one.kind, one.get(stats))
	}
}
