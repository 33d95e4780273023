package websocket_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/kachi-io/kachi/engineio/websocket"
)

// scripted is a connection that delivers given bytes in pieces and swallows what is
// written.
type scripted struct {
	in    []byte
	piece int
}

func (s *scripted) Read(p []byte) (int, error) {
	if len(s.in) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), s.piece)], s.in)
	s.in = s.in[n:]
	return n, nil
}

func (s *scripted) Write(p []byte) (int, error)      { return len(p), nil }
func (s *scripted) Close() error                     { return nil }
func (s *scripted) LocalAddr() net.Addr              { return nil }
func (s *scripted) RemoteAddr() net.Addr             { return nil }
func (s *scripted) SetDeadline(time.Time) error      { return nil }
func (s *scripted) SetReadDeadline(time.Time) error  { return nil }
func (s *scripted) SetWriteDeadline(time.Time) error { return nil }

// readAll returns what a connection reads, and how that ends.
func readAll(in []byte, piece int, leftover int, deflate bool) (messages []string, err error) {
	leftover = min(leftover, len(in))
	c := websocket.NewConn(&scripted{in[leftover:], piece}, append([]byte(nil), in[:leftover]...),
		&websocket.Options{MaxMessage: 100_000, CloseTimeout: time.Second}, deflate)
	defer c.CloseNow()
	for {
		t, data, err := c.Read()
		if err != nil {
			return messages, err
		}
		messages = append(messages, fmt.Sprint(t, ":", string(data)))
	}
}

// Whatever comes, and in whatever pieces: the same messages, the same end, no panic,
// no message that breaks a rule.
func FuzzRead(f *testing.F) {
	f.Add(frame(end|text, "hello"), false)
	f.Add(append(frame(text, "κόσ"), frame(end, "με")...), false)
	f.Add(append(frame(end|ping, "?"), frame(end|closes, closing(1000, "bye"))...), false)
	f.Add(frame(end|rsv1|text, deflated("hello hello hello")), true)
	f.Add(frame(end|rsv1|blob, deflated(strings.Repeat("x", 200_000))), true)
	f.Add(frame(end|blob, noise(70_000)), true)
	f.Add(frame(end|text, strings.Repeat("까", 10_000)+"\xff"), false)
	f.Add(header(end|blob, 1<<30), false)
	f.Fuzz(func(t *testing.T, in []byte, deflate bool) {
		want, wantErr := readAll(in, 1<<20, 0, deflate)
		for _, m := range want {
			if len(m) > 100_000+2 {
				t.Fatalf("message of %d bytes", len(m))
			}
			if strings.HasPrefix(m, "1:") && strings.ToValidUTF8(m, "") != m {
				t.Fatal("text that is not UTF-8")
			}
		}
		for _, way := range [][2]int{{1, 0}, {7, 3}, {1 << 20, len(in)}, {100, 8000}} {
			got, err := readAll(in, way[0], way[1], deflate)
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("in pieces of %d after %d: %d messages, else %d", way[0], way[1], len(got), len(want))
			}
			if err.Error() != wantErr.Error() && !sameFault(err, wantErr) {
				t.Fatalf("in pieces of %d after %d: %v, else %v", way[0], way[1], err, wantErr)
			}
		}
	})
}

// sameFault allows for text that is found out at different points of a message that
// is also cut short or too long.
func sameFault(a, b error) bool {
	var pa, pb *websocket.ProtocolError
	early := errors.As(a, &pa) && pa.Code == websocket.StatusInvalidPayload
	late := errors.As(b, &pb) && pb.Code == websocket.StatusInvalidPayload
	return early || late
}
