package websocket

// WireBytes returns the size of a frame as it is sent with permessage-deflate.
func WireBytes(f *Frame, d *Deflate) int { return len(f.bytes(d)) }

var (
	Inflate     = inflate
	Unmask      = unmask
	ValidPrefix = validPrefix
)
