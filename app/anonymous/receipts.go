package anonymous

import "sync"

// receipts remembers what was answered to the last messages, so that one that a client
// sends again, because it did not see the answer, gets the same answer and is not
// delivered a second time. It forgets the oldest first.
type receipts struct {
	mu    sync.Mutex
	known map[sending]receipt
	order []sending // a ring
	next  int
}

type sending struct{ user, room, clientID string }

func newReceipts(size int) *receipts {
	return &receipts{known: map[sending]receipt{}, order: make([]sending, size)}
}

// claim returns the message's receipt, and whether it is new. A message without a
// clientId is always new.
func (rs *receipts) claim(user, room, clientID string, issue func() receipt) (_ receipt, fresh bool) {
	if clientID == "" {
		return issue(), true
	}
	key := sending{user, room, clientID}
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if r, ok := rs.known[key]; ok {
		return r, false
	}
	r := issue()
	delete(rs.known, rs.order[rs.next])
	rs.order[rs.next] = key
	rs.next = (rs.next + 1) % len(rs.order)
	rs.known[key] = r
	return r, true
}
