package gateway

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
