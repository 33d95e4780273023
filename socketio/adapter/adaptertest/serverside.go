package adaptertest

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio/adapter"
)

var serverSideTests = map[string]func(*testing.T, *suite){
	"ServerSideEmit/to the others":             serverSideEmit,
	"ServerSideEmitWithAck/all answer":         serverSideAnswers,
	"ServerSideEmitWithAck/one does not":       serverSideSilent,
	"ServerSideEmitWithAck/in parallel":        serverSideParallel,
	"ServerSideEmitWithAck/answers of a shape": serverSideShapes,
}

// noted collects events.
type noted struct {
	mu     sync.Mutex
	events []Event
}

func (n *noted) add(e Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.events = append(n.events, e)
}

func (n *noted) list() []Event {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.events)
}

func serverSideEmit(t *testing.T, s *suite) {
	notes := make([]noted, len(s.servers))
	for i, server := range s.servers {
		server.ServerSide(func(e Event) ([]byte, [][]byte) {
			notes[i].add(e)
			return nil, nil
		})
	}
	const count = 20
	for from, server := range s.servers {
		for i := range count {
			p := withAttachments("event", []byte{byte(from)}, []byte{byte(i)})
			assert.NoError(t, server.Adapter().ServerSideEmit(p.Data, p.Attachments))
		}
	}
	for i := range s.servers {
		assert.Eventually(t, func() bool { return len(notes[i].list()) >= count*(len(s.servers)-1) })
		next := make([]byte, len(s.servers))
		for _, e := range notes[i].list() {
			assert.Equal(t, normal(e.Data), normal(string(withAttachments("event", nil, nil).Data)))
			from := e.Attachments[0][0]
			assert.True(t, int(from) != i, "an event came back to its sender")
			assert.Equal(t, e.Attachments[1], []byte{next[from]}, "order")
			next[from]++
		}
	}
}

// answerWith makes each node answer with its number.
func (s *suite) answerWith() (want [][]string) {
	want = make([][]string, len(s.servers))
	for i, server := range s.servers {
		answer := array(map[string]any{"node": i})
		server.ServerSide(func(Event) ([]byte, [][]byte) { return answer, nil })
		for from := range s.servers {
			if from != i {
				want[from] = append(want[from], string(answer))
			}
		}
	}
	return want
}

func dataOf(answers []adapter.Answer) []string {
	var list []string
	for _, a := range answers {
		list = append(list, normal(string(a.Data)))
	}
	return sorted(list)
}

func serverSideAnswers(t *testing.T, s *suite) {
	want := s.answerWith()
	for from, server := range s.servers {
		answers, err := server.Adapter().ServerSideEmitWithAck(soon(t), array("question", from), nil)
		assert.NoError(t, err)
		assert.Equal(t, dataOf(answers), want[from])
	}
}

func serverSideShapes(t *testing.T, s *suite) {
	binary := withAttachments("x", []byte{0, 1, 2, 0xff})
	binary.Data = []byte(`[{"_placeholder":true,"num":0}]`)
	for _, c := range []struct {
		data        string
		attachments [][]byte
	}{
		{`[]`, nil},
		{`[null]`, nil},
		{`["text \" \\ 까치"]`, nil},
		{`[[1,[2]]]`, nil},
		{string(binary.Data), binary.Attachments},
	} {
		for _, server := range s.servers {
			server.ServerSide(func(Event) ([]byte, [][]byte) { return []byte(c.data), c.attachments })
		}
		answers, err := s.servers[0].Adapter().ServerSideEmitWithAck(soon(t), array("question"), nil)
		assert.NoError(t, err)
		assert.Equal(t, len(answers), len(s.servers)-1)
		for _, a := range answers {
			if c.data != `[]` || string(a.Data) != `[null]` { // some wires have no way to say nothing
				assert.Equal(t, normal(string(a.Data)), normal(c.data))
			}
			assert.Equal(t, len(a.Attachments), len(c.attachments))
			for i := range a.Attachments {
				assert.Equal(t, a.Attachments[i], c.attachments[i])
			}
		}
	}
}

func serverSideSilent(t *testing.T, s *suite) {
	if len(s.servers) == 1 {
		t.Skip("needs another node")
	}
	s.answerWith()
	last := len(s.servers) - 1
	s.servers[last].ServerSide(func(Event) ([]byte, [][]byte) { return nil, nil })
	answers, err := s.servers[0].Adapter().ServerSideEmitWithAck(briefly(t), array("question"), nil)
	assert.Equal(t, len(answers), last-1)
	missing := assert.ErrorAs[*adapter.MissingNodesError](t, err)
	assert.Equal(t, missing.Missing, 1)
	assert.Equal(t, missing.Asked, last)
	assert.ErrorIs(t, err, context.DeadlineExceeded)
}

// serverSideParallel: answers go to the questions they belong to.
func serverSideParallel(t *testing.T, s *suite) {
	for _, server := range s.servers {
		server.ServerSide(func(e Event) ([]byte, [][]byte) { return []byte(`[` + e.Data + `]`), nil })
	}
	var asking sync.WaitGroup
	for from, server := range s.servers {
		for i := range 20 {
			asking.Go(func() {
				question := array("q", from, i)
				answers, err := server.Adapter().ServerSideEmitWithAck(soon(t), question, nil)
				if err != nil || len(answers) != len(s.servers)-1 {
					t.Errorf("%d answers, %v", len(answers), err)
				}
				for _, a := range answers {
					assert.Equal(t, normal(string(a.Data)), `[`+string(question)+`]`)
				}
			})
		}
	}
	asking.Wait()
}
