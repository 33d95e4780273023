//go:build linux

package main

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
)

func TestSequence(t *testing.T) {
	var s sequence
	for _, step := range []struct {
		n    uint64
		want verdict
	}{
		{0, fresh}, {1, fresh}, {1, duplicated}, {4, fresh}, {2, late}, {2, duplicated}, {3, late},
		{0, duplicated}, {300, fresh}, {45, late}, {44, ancient}, {299, late}, {299, duplicated}, {1000, fresh}, {999, late},
	} {
		assert.Equal(t, s.arrive(step.n), step.want, fmt.Sprint(step.n))
	}
}

func TestHistogram(t *testing.T) {
	var h histogram
	for i := range int64(100_000) {
		h.record(i * 1000)
	}
	for _, q := range []float64{0.01, 0.5, 0.9, 0.99} {
		got, want := float64(h.quantile(q)), q*1e8
		assert.True(t, got >= want*0.999 && got < want*1.02, fmt.Sprint("quantile ", q, " is ", got))
	}
	assert.Equal(t, h.max, int64(99_999_000))
}

func TestFramesInPieces(t *testing.T) {
	for _, length := range []int{0, 5, 125, 126, 300, 65_535, 65_536, 70_000} {
		payload := bytes.Repeat([]byte{'x'}, length)
		framed := appendFrame(nil, opText, payload)
		// A server's frame is the client's without the mask.
		mask := len(framed) - length - 4
		framed = append(framed[:mask:mask], framed[mask+4:]...)
		framed[1] &^= 0x80
		for _, cut := range []int{0, 1, 2, 3, 9, len(framed) - 1} {
			if cut < len(framed) {
				_, state := parseFrame(framed[:cut])
				assert.True(t, state == partial || state == large, fmt.Sprint(length, " cut at ", cut))
			}
		}
		f, state := parseFrame(framed)
		assert.Equal(t, state, whole)
		assert.Equal(t, f.size, len(framed))
		assert.True(t, bytes.Equal(f.payload, payload), fmt.Sprint("payload of ", length))
	}
}

func TestAnswersInPieces(t *testing.T) {
	for _, text := range []string{
		"HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
	} {
		for cut := range len(text) {
			_, state := parseAnswer([]byte(text[:cut]), nil)
			assert.Equal(t, state, partial, text[:cut])
		}
		a, state := parseAnswer([]byte(text+"more"), nil)
		assert.Equal(t, state, whole)
		assert.Equal(t, string(a.body), "hello")
		assert.Equal(t, a.size, len(text))
	}
}
