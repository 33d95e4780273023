package dashboard

import (
	"math"
	"time"

	"github.com/kachi-io/kachi/gateway"
)

// Point is what a chart shows of a moment.
type Point struct {
	At      time.Time `json:"at"`
	Seconds float64   `json:"seconds" doc:"What rates and latencies are of: the time since the point before. 0, and they with it, where nobody has watched until now."`

	Connections Connections `json:"connections"`
	Sockets     int         `json:"sockets" doc:"Of all namespaces: a connection has one for each that its client joined."`
	Rooms       int         `json:"rooms" doc:"Of all namespaces."`

	MessagesIn  float64 `json:"messagesIn" doc:"Per second."`
	MessagesOut float64 `json:"messagesOut" doc:"Per second, one for each receiver."`
	BytesIn     float64 `json:"bytesIn" doc:"Per second."`
	BytesOut    float64 `json:"bytesOut" doc:"Per second."`

	Calls   float64 `json:"calls" doc:"Events of clients that were handled or refused, per second."`
	Errors  float64 `json:"errors" doc:"Those that were answered with an error, per second."`
	Latency Latency `json:"latency" doc:"How long events took to be handled."`

	Heap       uint64  `json:"heap" doc:"Bytes of the program's objects."`
	RSS        uint64  `json:"rss" doc:"Bytes that the process has from the system; 0 where that does not tell."`
	Goroutines uint64  `json:"goroutines"`
	GCPause    float64 `json:"gcPause" doc:"The longest pause for garbage collection, in milliseconds."`
}

// Connections are those that there are, by what carries them.
type Connections struct {
	WebSocket int `json:"websocket"`
	Polling   int `json:"polling"`
}

// Latency is in milliseconds: half of all calls took no longer than P50, and so on.
type Latency struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// Update is what the dashboard is sent.
type Update struct {
	Point
	Node       string            `json:"node" doc:"Which server it is that tells of itself. Each tells those who are connected to it."`
	Version    string            `json:"version"`
	Database   string            `json:"database" doc:"Its kind and version."`
	Uptime     float64           `json:"uptime" doc:"Seconds."`
	Namespaces []NamespaceFigure `json:"namespaces"`
	Slowest    []EventFigure     `json:"slowest" doc:"The events that took longest since the point before, by p99; at most 8."`
	Totals     Totals            `json:"totals"`
}

// NamespaceFigure is what there is of a namespace.
type NamespaceFigure struct {
	Name    string `json:"name"`
	Sockets int    `json:"sockets"`
	Rooms   int    `json:"rooms"`
}

// EventFigure is what was done of an event since the point before.
type EventFigure struct {
	Namespace string  `json:"namespace"`
	Event     string  `json:"event" doc:"\"\" for all that nobody handles."`
	Calls     uint64  `json:"calls"`
	Errors    uint64  `json:"errors"`
	Latency   Latency `json:"latency"`
}

// Totals are counted since the server began.
type Totals struct {
	Connections uint64 `json:"connections" doc:"That were opened."`
	Refused     uint64 `json:"refused" doc:"Requests and CONNECT packets that were."`
	MessagesIn  uint64 `json:"messagesIn"`
	MessagesOut uint64 `json:"messagesOut"`
	BytesIn     uint64 `json:"bytesIn"`
	BytesOut    uint64 `json:"bytesOut"`
	Calls       uint64 `json:"calls"`
	Errors      uint64 `json:"errors"`
	Faults      uint64 `json:"faults" doc:"Of the errors those that are the server's own: internal and timeout."`
	Dropped     uint64 `json:"dropped" doc:"Messages and events that were dropped: volatile ones, and those of clients that sent too much."`
	Collections uint64 `json:"collections" doc:"Of garbage."`
}

// History is what was seen in the last 15 minutes, while somebody watched.
type History struct {
	Node     string  `json:"node"`
	Interval float64 `json:"interval" doc:"Seconds from one update to the next."`
	Points   []Point `json:"points" doc:"The oldest first. Where nobody watched there are none."`
}

// Updated tells how the server is.
var Updated = gateway.NewEvent[Update]("dashboardUpdate").
	Describe("How the server is: at once to who connects, and then every 5 s.")

// rounded is a figure as it is told: three digits behind the point are enough for all.
func rounded(v float64) float64 { return math.Round(v*1000) / 1000 }
