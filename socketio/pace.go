package socketio

import "time"

// pace limits the events of one socket by the generic cell rate algorithm, whose whole
// state is one time: when the events so far would have come if they kept to the rate.
// The zero value is ready.
type pace int64 // nanoseconds since 1970

// take counts an event, or returns how long it is too early.
func (p *pace) take(o *Options) (wait time.Duration) {
	if o.MaxEventRate <= 0 {
		return 0
	}
	each := o.eventInterval()
	now := time.Now().UnixNano()
	due := max(int64(*p), now)
	if early := due - now - each*int64(o.EventBurst-1); early > 0 {
		return time.Duration(early)
	}
	*p = pace(due + each)
	return 0
}

// rested reports whether the last event that was counted found the whole burst free.
func (p pace) rested(o *Options) bool {
	return o.MaxEventRate <= 0 || int64(p)-time.Now().UnixNano() <= o.eventInterval()
}

// eventInterval is the time between events at the highest rate, in nanoseconds.
func (o *Options) eventInterval() int64 { return int64(float64(time.Second) / o.MaxEventRate) }
