package main

import (
	"log/slog"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/examples/exampletest"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/testclient"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve serves the example, and returns its address and its log.
func serve(t *testing.T) (string, *lines) {
	log := &lines{}
	logger := slog.New(slog.NewTextHandler(log, nil))
	app, err := gateway.NewApp(&gateway.Options{Logger: logger}, NewChannels(logger))
	assert.NoError(t, err)
	return exampletest.Serve(t, app, nil), log
}

func TestChannels(t *testing.T) {
	url, _ := serve(t)
	exampletest.Play(t, "channels.mjs", url, nil)
}

// The gateway of the tutorial that this example follows is made with hooks that throw
// "Method not implemented", and hands the logger its data as a context.
func TestStubsThrowInEveryHookAndTheLoggerIsCalledWithDataAsTheContext(t *testing.T) {
	url, log := serve(t)
	c := testclient.Connect(t, url, "/channels", nil)
	c.Emit("ClientToServer", "hello there")
	c.Expect("ServerToClient")
	assert.True(t, log.have("Client Connected", "id="+c.ID), log)
	assert.True(t, log.have("ClientToServer", `text="hello there"`), log)
	c.Close()
	assert.Eventually(t, func() bool { return log.have("Client Disconnected", "id="+c.ID, "reason=") })
	assert.True(t, !log.have("level=ERROR"), log)
}

// lines is a log.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// have reports whether one line has all of it.
func (l *lines) have(parts ...string) bool {
	for line := range strings.Lines(l.String()) {
		found := true
		for _, part := range parts {
			found = found && strings.Contains(line, part)
		}
		if found {
			return true
		}
	}
	return false
}
