package engineio

import (
	"net/netip"
	"sync"
)

// limits counts sessions, from before their handshake is answered until the last of
// their goroutines has ended. What was admitted must be released once.
type limits struct {
	total, perAddress int // 0: no bound

	mu        sync.Mutex
	count     int
	addresses map[netip.Addr]int // only with perAddress
}

// admit counts a new session, or returns the cause of a refusal.
func (l *limits) admit(addr netip.Addr) (refused string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.total > 0 && l.count >= l.total {
		return CauseMaxConnections
	}
	if key, ok := l.key(addr); ok {
		if l.addresses[key] >= l.perAddress {
			return CauseMaxPerAddress
		}
		if l.addresses == nil {
			l.addresses = make(map[netip.Addr]int)
		}
		l.addresses[key]++
	}
	l.count++
	return ""
}

func (l *limits) release(addr netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count--
	if key, ok := l.key(addr); ok {
		if l.addresses[key]--; l.addresses[key] == 0 {
			delete(l.addresses, key)
		}
	}
}

// key is what an address is counted under. A client has a whole /64 of IPv6 addresses to
// choose from. An invalid address (a Unix socket) stands for nobody in particular.
func (l *limits) key(addr netip.Addr) (netip.Addr, bool) {
	if l.perAddress == 0 || !addr.IsValid() {
		return netip.Addr{}, false
	}
	if addr.Is6() {
		prefix, err := addr.Prefix(64)
		return prefix.Addr(), err == nil
	}
	return addr, true
}
