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
	url, log := serve(t)
	exampletest.Play(t, "channels.mjs", url, nil)
	came := log.values("Client Connected", "id")
	assert.True(t, len(came) > 3, log)
	assert.Eventually(t, func() bool { return len(log.values("Client Disconnected", "id")) == len(came) }, log)
	assert.True(t, !log.have("level=ERROR"), log)
}

// A logger that takes its second argument for its own context loses the data.
func TestTheLogHasWhatItIsGivenAsAttributes(t *testing.T) {
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

// A stub that throws in every hook would end whoever comes.
func TestHooksThatAreNotWrittenDoNothing(t *testing.T) {
	log := &lines{}
	app, err := gateway.NewApp(&gateway.Options{Logger: slog.New(slog.NewTextHandler(log, nil))},
		gateway.New("/bare", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
			gateway.On(g, "echo", func(_ *Context, in string) (string, error) { return in, nil })
		}))
	assert.NoError(t, err)
	url := exampletest.Serve(t, app, nil)
	for range 2 {
		c := testclient.Connect(t, url, "/bare", nil)
		var out string
		c.Ask(&out, "echo", "hello")
		assert.Equal(t, out, "hello")
		c.Close()
	}
	assert.Eventually(t, func() bool { return app.Server().Stats().Sockets == 0 }, "both have gone")
	assert.Equal(t, log.String(), "")
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

// values are those of an attribute, in the lines with a message.
func (l *lines) values(message, attribute string) (all []string) {
	for line := range strings.Lines(l.String()) {
		if _, rest, found := strings.Cut(line, message); found {
			_, rest, _ = strings.Cut(rest, " "+attribute+"=")
			all = append(all, strings.Fields(rest)[0])
		}
	}
	return all
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
