package hosts

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/browsertest"
	"github.com/kachi-io/kachi/internal/nodetest"
	"github.com/kachi-io/kachi/socketio"
)

// One TLS port for both protocols: polling comes over HTTP/2, WebSocket over HTTP/1.1.
func TestHTTP2BesideWebSocket(t *testing.T) {
	t.Parallel()
	for way, want := range map[string]struct{ h1, h2, webSocket bool }{
		"polling, HTTP/2": {h2: true},
		"upgrade, HTTP/2": {h1: true, h2: true, webSocket: true},
		"websocket":       {h1: true, webSocket: true},
		"polling":         {h1: true}, // as Node's client does by itself
	} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			s := open(t, place{tls: true})
			s.client(t, way).holds(way, want.webSocket)
			assert.Equal(t, s.connections("HTTP/1.1") > 0, want.h1)
			assert.Equal(t, s.connections("HTTP/2.0") > 0, want.h2)
		})
	}
}

func TestManyClientsOverOneHTTP2Connection(t *testing.T) {
	t.Parallel()
	s := open(t, place{tls: true, options: socketio.Options{PingInterval: 300 * time.Millisecond}})
	all := make([]*client, 40)
	for i := range all {
		all[i] = s.client(t, "polling, HTTP/2")
	}
	for _, c := range all {
		c.do("connected", nil)
		c.do("work", nil)
	}
	for _, c := range all[:5] {
		c.pings(1)
	}
	for _, c := range all {
		var rested struct {
			state
			Unanswered int
		}
		c.do("rest", &rested)
		assert.Equal(t, rested.Unanswered, 0)
		assert.Equal(t, rested.Log, []entry{{Event: "connect"}})
	}
	assert.Equal(t, s.connections("HTTP/2.0"), 1)
	assert.Equal(t, s.connections("HTTP/1.1"), 0)
}

func TestHTTP2InChromium(t *testing.T) {
	modules := nodetest.Dir(t)
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprint(w, `<!doctype html><title>clients</title><script type="module">
			import { io } from "/client/socket.io.esm.min.js";
			import { Driver } from "/hosts/driver.mjs";
			window.driver = new Driver(io, {
				polling: ["polling"], websocket: ["websocket"], upgrade: ["polling", "websocket"],
			});
		</script>`)
	})
	dist := filepath.Join(modules, "node_modules", "socket.io-client", "dist")
	mux.Handle("/client/", http.StripPrefix("/client/", http.FileServerFS(os.DirFS(dist))))
	mux.HandleFunc("/hosts/driver.mjs", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		http.ServeFile(w, r, filepath.Join(modules, "hosts", "driver.mjs"))
	})
	browser := browsertest.Open(t, browsertest.Options{AnyCertificate: true})
	for _, way := range ways {
		t.Run(way, func(t *testing.T) {
			s := open(t, place{tls: true, files: mux})
			page := openPage(t, browser, s.url)
			openClient(t, page, s.url, way, nil).holds(way, true)
			assert.Equal(t, s.connections("HTTP/2.0") > 0, way != "websocket")
			assert.Equal(t, s.connections("HTTP/1.1") > 0, way != "polling")
			protocols := browsertest.Eval[[]string](page.Page, `[...new Set(performance.getEntriesByType("resource")
				.filter((e) => e.name.includes("transport=polling")).map((e) => e.nextHopProtocol))]`)
			if way == "websocket" {
				assert.Equal(t, len(protocols), 0)
			} else {
				assert.Equal(t, protocols, []string{"h2"})
			}
		})
	}
}

// page plays clients in a browser.
type page struct{ *browsertest.Page }

func openPage(t *testing.T, browser *browsertest.Browser, url string) page {
	t.Helper()
	p := page{browser.Page(t, "page", url)}
	p.WaitFor(`"driver" in window`)
	return p
}

func (p page) perform(t testing.TB, request map[string]any) json.RawMessage {
	t.Helper()
	line, err := json.Marshal(request)
	assert.NoError(t, err)
	return json.RawMessage(browsertest.Eval[string](p.Page, `driver.perform(`+string(line)+`).then((result) => JSON.stringify(result ?? null))`))
}
