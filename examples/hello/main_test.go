package main

import (
	"context"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/testclient"
)

func TestHello(t *testing.T) {
	srv := server()
	host := httptest.NewServer(srv)
	t.Cleanup(func() {
		assert.NoError(t, srv.Shutdown(context.Background()))
		host.Close()
	})
	mina, jun := testclient.Connect(t, host.URL, "/", nil), testclient.Connect(t, host.URL, "/", nil)
	var greeting, name string
	mina.Ask(&greeting, "hello", "Mina")
	assert.Equal(t, greeting, "Hello, Mina")
	jun.Expect("arrived").Decode(t, &name)
	assert.Equal(t, name, "Mina")
}

// What the README shows must be this program.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	assert.NoError(t, err)
	program, err := os.ReadFile("main.go")
	assert.NoError(t, err)
	_, code, _ := strings.Cut(string(program), "package main\n")
	assert.True(t, strings.Contains(string(readme), "```go\npackage main\n"+code+"```\n"), "README.md shows another program")
}
