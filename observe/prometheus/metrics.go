// Package prometheus counts what gateways do, and tells what a server has counted, as
// metrics of github.com/prometheus/client_golang:
//
//	metrics := prometheus.New(nil)
//	options := &gateway.Options{…}
//	metrics.Watch(options)
//	app, err := gateway.NewApp(options, …)
//	metrics.Server(app.Server())
//	registry.MustRegister(metrics)
//
// Calls, whatever refused them:
//
//	kachi_calls_total{namespace,event,code}           code "ok", or the error's; "gone" where the client had
//	                                                  gone and the call was given up for it
//	kachi_call_duration_seconds{namespace,event}      a histogram, without the time in the mailbox
//	kachi_calls_running{namespace,event}              those that guards have let pass, see [Metrics.Layer]
//	kachi_emitted_total{namespace,event}              events sent, once for each broadcast
//
// The rest are the counts of [socketio.Stats] and [engineio.Stats], see there: what there is
// at the moment (kachi_connections{transport}, kachi_sockets, kachi_dynamic_namespaces), and
// totals since the server began.
//
// Labels are bounded by what is registered, not by what clients make up: an event that
// nobody handles is "unknown", and namespaces of a pattern count under the pattern. Codes
// are the application's own, and should be constants.
package prometheus

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/socketio"
)

// Options configures metrics. The zero value is the default of every field; nil is the zero
// value.
type Options struct {
	// Prefix of all names. Default "kachi".
	Prefix string
	// Buckets of durations, in seconds. Default 0.1 ms to 10 s, three to each power of ten.
	Buckets []float64
	// Labels are added to all metrics.
	Labels map[string]string
}

// Metrics is a [prometheus.Collector]. Its methods are safe for concurrent use.
type Metrics struct {
	calls    *prometheus.CounterVec
	duration *prometheus.HistogramVec
	running  *prometheus.GaugeVec
	emitted  *prometheus.CounterVec
	server   *serverMetrics
}

// New makes metrics. They are to be registered, once.
func New(o *Options) *Metrics {
	if o == nil {
		o = &Options{}
	}
	prefix, buckets := o.Prefix, o.Buckets
	if prefix == "" {
		prefix = "kachi"
	}
	if buckets == nil {
		buckets = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	}
	counter := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: prefix, Name: name, Help: help, ConstLabels: o.Labels}
	}
	return &Metrics{
		calls: prometheus.NewCounterVec(counter("calls_total", "Events of clients that were handled or refused."), []string{"namespace", "event", "code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: prefix, Name: "call_duration_seconds", Help: "From the first guard to the result.", ConstLabels: o.Labels, Buckets: buckets,
		}, []string{"namespace", "event"}),
		running: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: prefix, Name: "calls_running", Help: "Calls that are being handled.", ConstLabels: o.Labels,
		}, []string{"namespace", "event"}),
		emitted: prometheus.NewCounterVec(counter("emitted_total", "Events that gateways sent, once for each broadcast."), []string{"namespace", "event"}),
		server:  newServerMetrics(prefix, o.Labels),
	}
}

// Watch adds what has to be told to the options of an app that is to be made.
func (m *Metrics) Watch(o *gateway.Options) {
	o.Use = append(o.Use, m.Layer())
	o.Handled = append(o.Handled, m.handled)
	o.Emitting = append(o.Emitting, m.emit)
}

// Layer counts the calls that are being handled. [Metrics.Watch] puts it around an app.
func (m *Metrics) Layer() gateway.Layer {
	return gateway.Named("prometheus", gateway.Interceptor(func(next gateway.Handler) gateway.Handler {
		return func(c *gateway.Call) (any, error) {
			namespace, event := labels(c)
			running := m.running.WithLabelValues(namespace, event)
			running.Inc()
			defer running.Dec()
			return next(c)
		}
	}))
}

// Server has a server's figures told as well.
func (m *Metrics) Server(s *socketio.Server) { m.server.server.Store(s) }

func labels(c *gateway.Call) (namespace, event string) {
	if namespace, event = c.Registered(); event == "" {
		event = "unknown"
	}
	return namespace, event
}

func (m *Metrics) handled(c *gateway.Call, took time.Duration, err error) {
	namespace, event := labels(c)
	code := gateway.CodeOf(err)
	switch {
	case err == nil:
		code = "ok"
	case code == gateway.CodeInternal && errors.Is(err, context.Canceled) && c.Gone():
		code = "gone" // nobody's fault: those who watch for "internal" need not look
	}
	m.calls.WithLabelValues(namespace, event, code).Inc()
	m.duration.WithLabelValues(namespace, event).Observe(took.Seconds())
}

// emit counts what is sent. Events that a server sends are declared, and so bounded.
func (m *Metrics) emit(_ context.Context, namespace, event string) func(error) {
	m.emitted.WithLabelValues(namespace, event).Inc()
	return nil
}

// Describe implements [prometheus.Collector].
func (m *Metrics) Describe(to chan<- *prometheus.Desc) {
	for _, c := range m.parts() {
		c.Describe(to)
	}
}

// Collect implements [prometheus.Collector].
func (m *Metrics) Collect(to chan<- prometheus.Metric) {
	for _, c := range m.parts() {
		c.Collect(to)
	}
}

func (m *Metrics) parts() []prometheus.Collector {
	return []prometheus.Collector{m.calls, m.duration, m.running, m.emitted, m.server}
}
