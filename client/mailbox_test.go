package client

import (
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
)

// Whatever happens to a socket whose handler does not return, a bounded number of turns
// waits, every end that is told follows its beginning, and the last news are there.
func TestTurnsThatWaitAreBounded(t *testing.T) {
	goOn := make(chan struct{})
	m := &mailbox{crew: newCrew(), messages: 10, bytes: 1000}
	_, taken := m.put(0, task{run: func() { <-goOn }, size: 1})
	assert.True(t, taken)
	var told []string
	turn := func(kind taskKind, name string) {
		m.turn(0, task{kind: kind, run: func() { told = append(told, name) }})
	}
	for range 1000 {
		turn(disconnectTurn, "end")
		for range 10 {
			turn(connectErrorTurn, "failure")
		}
		turn(connectTurn, "beginning")
	}
	m.mu.Lock()
	n := len(m.tasks)
	m.mu.Unlock()
	assert.True(t, n <= spare+3, n)
	close(goOn)
	m.crew.end()
	assert.True(t, len(told) <= spare+3, told)
	connected := true
	for _, name := range told {
		switch name {
		case "end":
			assert.True(t, connected, told)
			connected = false
		case "failure":
			assert.True(t, !connected, told)
		case "beginning":
			assert.True(t, !connected, told)
			connected = true
		}
	}
	assert.True(t, connected, told)
}
