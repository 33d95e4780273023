package adapter

// Answer is what one socket answered to a broadcast with acknowledgements, or one node
// to a server-side event.
type Answer struct {
	// Node is the id of the node it came from; empty where the wire does not say.
	Node string
	// Socket is the id of the socket that answered. Empty for an answer to a
	// server-side event, and where the wire does not carry it (answers that come from
	// Node servers).
	Socket string
	// Data is the raw JSON array of the answer's arguments, with placeholders for the
	// attachments. Node servers hand on the first argument only. nil means that the
	// socket disconnected without an answer: see Gone.
	Data []byte
	// Attachments are the binary parts.
	Attachments [][]byte
}

// Gone reports that this is not an answer but the news that there will be none.
func (a Answer) Gone() bool { return a.Data == nil }

// AckSink is told what becomes known about a broadcast with acknowledgements. All
// calls come from the goroutine that called BroadcastWithAck, before it returns.
type AckSink interface {
	// Expect says that a node (whose id may be empty where the wire does not carry it)
	// has sent the packet to count sockets. ids names them, or is nil where the wire
	// carries only the number. Once for each node, the local one first.
	Expect(node string, count int, ids []string)
	// Answer brings an answer, or the news that a socket is gone. Answers of a node
	// usually, not always, follow its Expect. At most once for each socket that has a
	// name.
	Answer(a Answer)
}

// Acks is an [AckSink] that collects everything. The zero value is ready. Not safe for
// concurrent use.
type Acks struct {
	// Expected is the number of sockets that the packet was sent to.
	Expected int
	// Answers holds what the sockets answered, in the order of arrival.
	Answers []Answer

	waiting map[string]struct{}
	early   map[string]struct{} // answered before their node was heard of
}

// Expect implements AckSink.
func (c *Acks) Expect(_ string, count int, ids []string) {
	c.Expected += count
	for _, id := range ids {
		if _, ok := c.early[id]; ok {
			delete(c.early, id)
			continue
		}
		if c.waiting == nil {
			c.waiting = make(map[string]struct{}, len(ids))
		}
		c.waiting[id] = struct{}{}
	}
}

// Answer implements AckSink.
func (c *Acks) Answer(a Answer) {
	if a.Gone() {
		return // stays among those who did not answer
	}
	c.Answers = append(c.Answers, a)
	if a.Socket == "" {
		return
	}
	if _, ok := c.waiting[a.Socket]; ok {
		delete(c.waiting, a.Socket)
		return
	}
	if c.early == nil {
		c.early = make(map[string]struct{})
	}
	c.early[a.Socket] = struct{}{}
}

// Missing lists, in no order, the sockets that have not answered, as far as they have
// names, and says how many have not answered altogether.
func (c *Acks) Missing() (ids []string, count int) {
	for id := range c.waiting {
		ids = append(ids, id)
	}
	return ids, max(c.Expected-len(c.Answers), 0)
}
