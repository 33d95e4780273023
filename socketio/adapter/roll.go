package adapter

import "slices"

// roll is the list of the nodes that a request waits for: those known by name, and,
// where only the broker counts them, a number of others. Not safe for concurrent use.
type roll struct {
	self      string
	asked     int
	waiting   map[string]struct{}
	anonymous int
	heard     map[string]struct{} // those that have answered
	left      map[string]struct{} // those that said farewell, unless they were waited for by name
	lost      []string
	missing   int   // of the lost, with those that have no name
	cause     error // of the first that was lost
}

// newRoll expects an answer of each node named, and of as many more as make up count.
// Where a broker counts fewer than are known (one has died and its farewell or its
// heartbeat is still awaited), the names are all the same waited for.
func newRoll(self string, known []string, count int) roll {
	r := roll{self: self, asked: max(count, len(known)), waiting: make(map[string]struct{}, len(known))}
	for _, n := range known {
		r.waiting[n] = struct{}{}
	}
	r.anonymous = max(count-len(known), 0)
	return r
}

func (r *roll) done() bool { return len(r.waiting) == 0 && r.anonymous <= 0 }

// answered notes a node's answer, and says whether it is to be counted: a node that
// repeats itself is not. A node that was not expected (it came later) is.
func (r *roll) answered(node string) bool {
	if node == "" { // a wire without names: take its word
		r.anonymous--
		return true
	}
	if _, ok := r.waiting[node]; ok {
		delete(r.waiting, node)
		r.hear(node)
		return true
	}
	if _, twice := r.heard[node]; twice {
		return false
	}
	r.hear(node)
	r.anonymous--
	return true
}

func (r *roll) hear(node string) {
	if r.heard == nil {
		r.heard = make(map[string]struct{})
	}
	r.heard[node] = struct{}{}
}

// gone notes that a node is no more; err is nil when it left in good order. owes says
// that it has answered but owes something nevertheless.
func (r *roll) gone(node string, err error, owes bool) {
	_, waited := r.waiting[node]
	delete(r.waiting, node)
	if err == nil && !waited {
		if r.left == nil {
			r.left = make(map[string]struct{})
		}
		r.left[node] = struct{}{}
	}
	if err == nil || !waited && !owes || slices.Contains(r.lost, node) {
		return
	}
	r.lost = append(r.lost, node)
	r.missing++
	if r.cause == nil {
		r.cause = err
	}
}

// recount takes the broker's newest count of the other nodes. Of the anonymous ones that
// are no more, some said farewell; the others are lost.
func (r *roll) recount(others int) {
	there := 0 // have answered and not left
	for node := range r.heard {
		if _, left := r.left[node]; !left {
			there++
		}
	}
	rest := min(r.anonymous, max(others-there-len(r.waiting), 0))
	if rest < 0 || r.anonymous <= rest {
		return
	}
	vanished := r.anonymous - rest
	r.anonymous = rest
	for node := range r.left {
		if _, heard := r.heard[node]; !heard && vanished > 0 {
			r.hear(node)
			vanished--
		}
	}
	if vanished > 0 {
		r.missing += vanished
		if r.cause == nil {
			r.cause = ErrNodeLost
		}
	}
}

// end gives up all that has not answered.
func (r *roll) end(err error) {
	for node := range r.waiting {
		r.gone(node, err, false)
	}
	if r.anonymous > 0 {
		r.missing += r.anonymous
		r.anonymous = 0
		if r.cause == nil {
			r.cause = err
		}
	}
}

// err is the request's outcome; cause is why those still awaited are given up.
func (r *roll) err(cause error) error {
	if cause != nil {
		r.end(cause)
	}
	if r.missing == 0 {
		return nil
	}
	slices.Sort(r.lost)
	return &MissingNodesError{Nodes: r.lost, Missing: r.missing, Asked: r.asked, Err: r.cause}
}
