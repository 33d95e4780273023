// Package result is what one run of the load generator says, as JSON: bench/load writes
// it, bench/run reads it.
package result

// Run is one scenario against one server. Counts cover the whole run; rates, processor
// time and latencies cover the measured window only, which begins after the warm-up.
type Run struct {
	Scenario   string         `json:"scenario"`
	Transport  string         `json:"transport"`
	Parameters map[string]any `json:"parameters"`

	// Fault says why the run ended before its time; empty when it did not.
	Fault string `json:"fault,omitempty"`

	Seconds float64 `json:"seconds"` // length of the measured window
	// Units is what was counted in the window: deliveries, acknowledgements or
	// connections.
	Units     uint64  `json:"units"`
	PerSecond float64 `json:"per_second"`

	Latency   *Latency  `json:"latency,omitempty"`
	Counts    Counts    `json:"counts"`
	Server    *Server   `json:"server,omitempty"`
	Memory    *Memory   `json:"memory,omitempty"`
	Attack    *Attack   `json:"attack,omitempty"`
	Deaf      *Deaf     `json:"deaf,omitempty"`
	Generator Generator `json:"generator"`

	// Problems are refusals, closes and surprises, counted by what was seen.
	Problems map[string]int `json:"problems,omitempty"`
}

// Counts is what came, and what did not.
type Counts struct {
	Opened     uint64 `json:"opened"`     // connections that became ready
	Refused    uint64 `json:"refused"`    // that did not
	Closed     uint64 `json:"closed"`     // that the server ended
	Sent       uint64 `json:"sent"`       // messages, each of which has Due/Sent receivers
	Due        uint64 `json:"due"`        // arrivals that Sent should have led to
	Received   uint64 `json:"received"`   // arrivals, each counted once
	Lost       uint64 `json:"lost"`       // Due that never came
	Reordered  uint64 `json:"reordered"`  // came after a later one
	Duplicated uint64 `json:"duplicated"` // came again
	Unexpected uint64 `json:"unexpected"` // another length, number or form than was sent
	Stuck      uint64 `json:"stuck"`      // messages given up because nothing came for two seconds
}

// Latency is in microseconds.
type Latency struct {
	Count uint64  `json:"count"`
	P50   float64 `json:"p50"`
	P90   float64 `json:"p90"`
	P99   float64 `json:"p99"`
	Max   float64 `json:"max"`
}

// Server is what the operating system says of the server's process over the window.
type Server struct {
	CPUSeconds    float64 `json:"cpu_seconds"`
	MicrosPerUnit float64 `json:"cpu_micros_per_unit"`
	Share         float64 `json:"cpu_share"` // of one processor
	RSSBefore     int64   `json:"rss_before"`
	RSSAfter      int64   `json:"rss_after"`
	FDsBefore     int     `json:"fds_before"`
	FDsAfter      int     `json:"fds_after"`
	Threads       int     `json:"threads"`
}

// Memory is what connections at rest hold, in bytes; RSS of the server's process.
type Memory struct {
	Before         int64   `json:"rss_before"`       // before the first connection
	Open           int64   `json:"rss_open"`         // all opened, after the rest
	Collected      int64   `json:"rss_collected"`    // the same after SIGUSR2 asked for a collection; 0 when not asked
	Closed         int64   `json:"rss_closed"`       // after all were closed, and the rest
	PrivateDirty   int64   `json:"private_dirty"`    // smaps_rollup, all opened
	PerConn        float64 `json:"per_connection"`   // (Open-Before)/connections
	PerCollected   float64 `json:"per_collected"`    // (Collected-Before)/connections
	FDsBefore      int     `json:"fds_before"`       //
	FDsOpen        int     `json:"fds_open"`         //
	FDsClosed      int     `json:"fds_closed"`       // equal to FDsBefore when nothing leaks
	ThreadsBefore  int     `json:"threads_before"`   //
	ThreadsOpen    int     `json:"threads_open"`     //
	ThreadsClosed  int     `json:"threads_closed"`   //
	SecondsToClose float64 `json:"seconds_to_close"` // until the descriptors were back; 0 when they never were
	OpenSeconds    float64 `json:"open_seconds"`     //
	CloseCPU       float64 `json:"close_cpu_micros"` // per connection closed
	RestCPU        float64 `json:"rest_cpu_share"`   // of one processor, while all rest
}

// Attack is what the misbehaving client managed.
type Attack struct {
	Kind      string  `json:"kind"`
	Sent      uint64  `json:"sent"` // messages, or connections of a storm
	PerSecond float64 `json:"per_second"`
	Bytes     uint64  `json:"bytes"`
	Answers   uint64  `json:"answers"`
	Closed    uint64  `json:"closed"` // how often the server ended it
	Refused   uint64  `json:"refused"`
	// RSSBefore is the server's, in bytes, before the attack, and RSSGrown the most that it
	// was above that, looked at twice a second.
	RSSBefore int64 `json:"rss_before"`
	RSSGrown  int64 `json:"rss_grown"`
	// FDsBefore and FDsAfter are the server's descriptors before and after the attack: the
	// latter when they were as few again, or five seconds later.
	FDsBefore int `json:"fds_before"`
	FDsAfter  int `json:"fds_after"`
}

// Deaf is what became of the members that never read.
type Deaf struct {
	Members  int     `json:"members"`
	Closed   int     `json:"closed"` // the server has ended them by the end of the run
	Bytes    uint64  `json:"bytes"`  // what they found when they read at last
	RSSGrown int64   `json:"rss_grown"`
	After    float64 `json:"seconds_until_closed"` // when the first descriptor was seen gone; 0 when none
	// Filled is what the operating system held for them at the server's end when it took
	// no more, before the first message; 0 when that was not asked for. Held is the same
	// after the last one.
	Filled int `json:"filled,omitempty"`
	Held   int `json:"held,omitempty"`
}

// Generator says whether the generator was the bottleneck: it runs on one thread, so that
// a share near 1 means it was.
type Generator struct {
	CPUSeconds float64 `json:"cpu_seconds"` // over the window
	Share      float64 `json:"cpu_share"`
	// LagP99 and LagMax say by how much sends missed their time, in microseconds; only
	// at a fixed rate. It is contained in the latencies.
	LagP99 float64 `json:"lag_p99"`
	LagMax float64 `json:"lag_max"`
}
