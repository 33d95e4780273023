package client_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/kachi-io/kachi/client"
	"github.com/kachi-io/kachi/internal/assert"
)

// breaking is a network on which the first POST that holds a text breaks.
type breaking struct {
	http.RoundTripper
	text string
	once sync.Once
	lost chan string // its body
}

func (b *breaking) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPost {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		broken := false
		if strings.Contains(string(body), b.text) {
			b.once.Do(func() { broken = true })
		}
		if broken {
			b.lost <- string(body)
			return nil, errors.New("the network broke")
		}
	}
	return b.RoundTripper.RoundTrip(r)
}

// What was not in the POST that broke goes with the next connection, also what was already
// taken for the POST behind it.
func TestWhatWasNotSentIsKept(t *testing.T) {
	p := &play{way: "polling", at: t, stage: newStage(t, "kachi", &kachiServers{servers: map[int]*kachiServer{}}, settings{MaxPayload: 200})}
	network := &breaking{RoundTripper: &http.Transport{}, text: "keep", lost: make(chan string, 1)}
	defer network.RoundTripper.(*http.Transport).CloseIdleConnections()
	o := p.options()
	o.HTTPClient = &http.Client{Transport: network}
	s := p.client(p.url(), o).Of("/", nil)
	w := watch(s)
	for i := range 10 {
		assert.NoError(t, s.Emit("keep", "list", i, strings.Repeat("x", 50)))
	}
	s.Open()
	lost := assert.Receive(t, network.lost)
	assert.Equal(t, assert.Receive(t, w.disconnected), client.TransportFailure)
	assert.NoError(t, s.Wait(within(t)))
	n := strings.Count(lost, `"keep"`)
	assert.True(t, 0 < n && n < 10, lost)
	assert.Equal(t, ask[[]int](p, s, "kept", "list"), upto(10)[n:])
}
