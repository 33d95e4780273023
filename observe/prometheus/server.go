package prometheus

import (
	"strings"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kachi-io/kachi/socketio"
)

// serverMetrics tells what a server counts by itself.
type serverMetrics struct {
	server  atomic.Pointer[socketio.Server]
	figures []figure
}

// figure is one of them, or several with a label.
type figure struct {
	desc   *prometheus.Desc
	kind   prometheus.ValueType
	one    func(*socketio.Stats) float64
	labels func(*socketio.Stats) map[string]float64 // in place of one
}

func newServerMetrics(prefix string, constant map[string]string) *serverMetrics {
	m := &serverMetrics{}
	add := func(f figure, name, help string, labels ...string) {
		f.desc = prometheus.NewDesc(prefix+"_"+name, help, labels, constant)
		m.figures = append(m.figures, f)
	}
	now := func(name, help string, get func(*socketio.Stats) int) {
		add(figure{kind: prometheus.GaugeValue, one: func(s *socketio.Stats) float64 { return float64(get(s)) }}, name, help)
	}
	total := func(name, help string, get func(*socketio.Stats) uint64) {
		add(figure{kind: prometheus.CounterValue, one: func(s *socketio.Stats) float64 { return float64(get(s)) }}, name+"_total", help)
	}
	by := func(kind prometheus.ValueType, name, label, help string, get func(*socketio.Stats) map[string]float64) {
		add(figure{kind: kind, labels: get}, name, help, label)
	}

	by(prometheus.GaugeValue, "connections", "transport", "Connections at the moment.", func(s *socketio.Stats) map[string]float64 {
		return map[string]float64{"polling": float64(s.Engine.Polling), "websocket": float64(s.Engine.WebSocket)}
	})
	total("connections_opened", "Connections.", func(s *socketio.Stats) uint64 { return s.Engine.Opened })
	total("connections_upgraded", "Connections that went from polling to another transport.", func(s *socketio.Stats) uint64 { return s.Engine.Upgraded })
	total("upgrades_failed", "Upgrades that were begun and not finished.", func(s *socketio.Stats) uint64 { return s.Engine.UpgradesFailed })
	by(prometheus.CounterValue, "connections_closed_total", "reason", "Connections that ended.", func(s *socketio.Stats) map[string]float64 { return counts(s.Engine.Closed) })
	by(prometheus.CounterValue, "requests_refused_total", "cause", "Requests that were not served.", func(s *socketio.Stats) map[string]float64 { return counts(s.Engine.Refused) })
	total("messages_oversized", "Messages and bodies larger than MaxPayload.", func(s *socketio.Stats) uint64 { return s.Engine.Oversized })
	total("volatile_dropped", "Volatile messages for which a client's queue had no room.", func(s *socketio.Stats) uint64 { return s.Engine.Dropped })
	total("messages_received", "Messages of clients, attachments each for itself, without heartbeats.", func(s *socketio.Stats) uint64 { return s.Engine.Traffic.MessagesReceived })
	total("messages_sent", "Messages that the network has taken, one for each receiver.", func(s *socketio.Stats) uint64 { return s.Engine.Traffic.MessagesSent })
	total("received_bytes", "Bytes of WebSocket frames and requests' bodies.", func(s *socketio.Stats) uint64 { return s.Engine.Traffic.BytesReceived })
	total("sent_bytes", "Bytes of WebSocket frames and answers' bodies.", func(s *socketio.Stats) uint64 { return s.Engine.Traffic.BytesSent })
	total("volatile_evicted", "Volatile messages that waited for a client and made room for others.", func(s *socketio.Stats) uint64 { return s.Engine.Evicted })

	now("sockets", "Sockets that are connected.", func(s *socketio.Stats) int { return s.Sockets })
	now("dynamic_namespaces", "Namespaces of patterns that exist.", func(s *socketio.Stats) int { return s.DynamicNamespaces })
	total("sockets_admitted", "Sockets that were admitted to a namespace.", func(s *socketio.Stats) uint64 { return s.Admitted })
	by(prometheus.CounterValue, "sockets_ended_total", "reason", "Sockets that had been admitted and ended.", func(s *socketio.Stats) map[string]float64 { return counts(s.Ended) })
	total("sockets_refused", "Clients that were not admitted to a namespace.", func(s *socketio.Stats) uint64 { return s.Refused })
	total("connections_idle", "Connections closed because they joined no namespace.", func(s *socketio.Stats) uint64 { return s.Idle })
	total("protocol_errors", "Connections closed because the client broke the protocol.", func(s *socketio.Stats) uint64 { return s.ProtocolErrors })
	total("failed", "Errors and panics of the application that gateways do not answer.", func(s *socketio.Stats) uint64 { return s.Failed })
	total("events_overloaded", "Events dropped because too many waited.", func(s *socketio.Stats) uint64 { return s.Overloaded })
	total("events_rate_limited", "Events dropped because they came too fast.", func(s *socketio.Stats) uint64 { return s.RateLimited })
	total("events_discarded", "Events dropped while they waited.", func(s *socketio.Stats) uint64 { return s.Discarded })
	total("events_unhandled", "Events for which nothing is registered.", func(s *socketio.Stats) uint64 { return s.Unhandled })
	total("acks_missing", "Acknowledgements that were asked for and not given.", func(s *socketio.Stats) uint64 { return s.Unanswered })
	total("acks_unexpected", "Acknowledgements that nobody waited for.", func(s *socketio.Stats) uint64 { return s.UnexpectedAcks })
	total("packets_stray", "Packets for sockets that had just been disconnected.", func(s *socketio.Stats) uint64 { return s.Stray })
	total("sockets_recovered", "Sockets that went on where they had left off.", func(s *socketio.Stats) uint64 { return s.Recovered })
	total("events_replayed", "Events sent to them again.", func(s *socketio.Stats) uint64 { return s.Replayed })
	total("sockets_not_recovered", "Clients that came back and began anew.", func(s *socketio.Stats) uint64 { return s.NotRecovered })
	total("sessions_expired", "Sessions given up whose clients did not come back.", func(s *socketio.Stats) uint64 { return s.Expired })
	total("namespaces_created", "Namespaces of patterns that were opened.", func(s *socketio.Stats) uint64 { return s.NamespacesCreated })
	total("namespaces_removed", "Namespaces of patterns that were closed.", func(s *socketio.Stats) uint64 { return s.NamespacesRemoved })
	total("server_side_dropped", "Events of other nodes that were dropped.", func(s *socketio.Stats) uint64 { return s.ServerSideDropped })
	total("server_side_failed", "Errors and panics in handlers of other nodes' events.", func(s *socketio.Stats) uint64 { return s.ServerSideFailed })
	return m
}

// counts are figures by label. An application may end sockets for reasons that are no text,
// and a label that is none would take all metrics with it.
func counts[K ~string, N ~uint64](by map[K]N) map[string]float64 {
	all := make(map[string]float64, len(by))
	for k, n := range by {
		all[strings.ToValidUTF8(string(k), "\uFFFD")] += float64(n)
	}
	return all
}

// Describe implements [prometheus.Collector].
func (m *serverMetrics) Describe(to chan<- *prometheus.Desc) {
	for _, f := range m.figures {
		to <- f.desc
	}
}

// Collect implements [prometheus.Collector].
func (m *serverMetrics) Collect(to chan<- prometheus.Metric) {
	server := m.server.Load()
	if server == nil {
		return
	}
	stats := server.Stats()
	for _, f := range m.figures {
		if f.labels == nil {
			to <- prometheus.MustNewConstMetric(f.desc, f.kind, f.one(&stats))
			continue
		}
		for label, value := range f.labels(&stats) {
			to <- prometheus.MustNewConstMetric(f.desc, f.kind, value, label)
		}
	}
}
