package conformance_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/engineio/websocket"
	"github.com/kachi-io/kachi/internal/nodetest"
	"github.com/kachi-io/kachi/socketio"
)

func TestHTTP(t *testing.T) {
	dist := os.DirFS(filepath.Join(nodetest.Dir(t), "node_modules", "socket.io-client", "dist"))
	both := func(s *stage, srv *socketio.Server) {
		echo(s, srv)
		introduce(s, srv)
	}
	run(t, "http.mjs", fixtures{
		"plain":      {handle: both},
		"files":      {options: socketio.Options{ClientFiles: dist}, handle: both},
		"deflating":  {options: socketio.Options{Deflate: &websocket.Deflate{}}, handle: both},
		"plain text": {options: socketio.Options{CompressionThreshold: -1}, handle: both},
		"cookie":     {options: socketio.Options{Cookie: &engineio.Cookie{}}, handle: both},
		"cookie of its own": {options: socketio.Options{Cookie: &engineio.Cookie{
			Name: "sticky", Path: "/socket.io/", Readable: true,
		}}, handle: both},
		"one site": {options: socketio.Options{
			AllowedOrigins: []string{"https://app.example"},
			CORS: engineio.CORS{
				Credentials: true, ExposedHeaders: []string{"X-Exposed"}, AllowedHeaders: []string{"X-Allowed"},
			},
		}, handle: both},
		"every site": {options: socketio.Options{AllowedOrigins: []string{"*"}}, handle: both},
		"elsewhere":  {mounts: []string{"/deep/down/rt/"}, handle: both},
		"slashless":  {mounts: []string{"/socket.io/", "/socket.io"}, handle: both},
		"secure":     {tls: true, handle: both},
		"full":       {options: socketio.Options{MaxConnections: 1}, handle: both},
	})
}
