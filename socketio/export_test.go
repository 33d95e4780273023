package socketio

import (
	"maps"
	"slices"
)

// Names returns the names of all namespaces, those of clients that are still being admitted
// included.
func Names(srv *Server) []string {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	return slices.Sorted(maps.Keys(srv.namespaces))
}

// Opened returns how many namespaces count towards a Dynamic's bound.
func Opened(d *Dynamic) int {
	d.srv.mu.Lock()
	defer d.srv.mu.Unlock()
	return d.count
}
