package main

import (
	"testing"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
)

func TestFlags(t *testing.T) {
	s, err := parse(nil)
	assert.NoError(t, err)
	assert.Equal(t, s.addr, "127.0.0.1:3000")
	assert.Equal(t, s.path, "/socket.io/")
	assert.Equal(t, s.pingInterval, 300*time.Millisecond)
	assert.Equal(t, s.pingTimeout, 200*time.Millisecond)
	assert.Equal(t, s.connectTimeout, time.Second)
	assert.Equal(t, s.maxPayload, 1_000_000)
	assert.Equal(t, s.cors.list(), []string{"*"})
	assert.True(t, !s.engineOnly && !s.recovery)

	for _, c := range []struct {
		args []string
		cors []string
		path string
	}{
		{[]string{"-cors", "-path", "/x"}, []string{"*"}, "/x/"},
		{[]string{"-cors=https://a.com,https://b.com"}, []string{"https://a.com", "https://b.com"}, "/socket.io/"},
		{[]string{"-cors", "*", "-path", "x/"}, []string{"*"}, "/x/"},
		{[]string{"-path", "/x/", "-cors", "https://a.com", "-engine-only"}, []string{"https://a.com"}, "/x/"},
		{[]string{"-cors=false"}, nil, "/socket.io/"},
	} {
		s, err := parse(c.args)
		assert.NoError(t, err)
		assert.Equal(t, s.cors.list(), c.cors)
		assert.Equal(t, s.path, c.path)
	}
	_, err = parse([]string{"stray"})
	assert.True(t, err != nil)
}
