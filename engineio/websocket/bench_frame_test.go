package websocket_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/kachi-io/kachi/engineio/websocket"
)

// BenchmarkFrame builds what is sent to any number of connections: from a buffer with room
// for the header in front, which the frame takes over, or from a payload that it copies.
// The buffer's own allocation is contained in both.
func BenchmarkFrame(b *testing.B) {
	for _, size := range []int{100, 1000, 100_000} {
		payload := bytes.Repeat([]byte("x"), size)
		b.Run(fmt.Sprint("build/", size), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				buf := make([]byte, websocket.HeaderRoom, websocket.HeaderRoom+size)
				_ = websocket.BuildFrame(websocket.Text, append(buf, payload...))
			}
		})
		b.Run(fmt.Sprint("copy/", size), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				_ = websocket.NewFrame(websocket.Text, payload)
			}
		})
	}
}
