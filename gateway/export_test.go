package gateway

import "github.com/kachi-io/kachi/socketio"

// Present counts the places in an app's register: by principal, and by token.
func Present(a *App) (n int) {
	r := &a.present
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, ring := range []map[string]*place{r.keys, r.tokens} {
		for _, first := range ring {
			for p := first; ; {
				n++
				if p = p.next; p == first {
					break
				}
			}
		}
	}
	return n
}

// Serving returns what a namespace's clients reach by an event.
func Serving(a *App, namespace, event string) socketio.Handler {
	return a.spaces[namespace].events[event][0].serve
}
