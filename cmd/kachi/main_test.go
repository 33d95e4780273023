package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/cmd/kachi/connect"
	"github.com/kachi-io/kachi/internal/assert"
)

func TestCommandLine(t *testing.T) {
	for _, test := range []struct {
		args     string
		code     int
		out, err string
	}{
		{args: "version", out: "kachi devel (go1."},
		{args: "--help", out: "Usage: kachi <command>"},
		{args: "serve --help", out: "$KACHI_ALLOWED_ORIGINS"},
		{args: "spec --help", out: "AsyncAPI document"},
		{args: "spec diff one", code: 2, err: "expected \"<new>\""},
		{args: "new gateway 1st", code: 1, err: "is no name"},
		{args: "new project --help", out: "--kachi"},
		{args: "", code: 2, err: "expected one of"},
		{args: "serve --colour", code: 2, err: "unknown flag --colour"},
		{args: "serve --log-level loud", code: 2, err: "--log-level"},
		{args: "serve --addr nowhere", code: 1, err: "nowhere"},
		{args: "serve --allowed-origins nonsense", code: 1, err: "nonsense"},
	} {
		t.Run(test.args, func(t *testing.T) {
			var out, err bytes.Buffer
			code := run(context.Background(), strings.Fields(test.args), connect.Streams{Out: &out, Err: &err})
			assert.Equal(t, code, test.code, err.String())
			assert.True(t, strings.Contains(out.String(), test.out), out.String())
			assert.True(t, strings.Contains(err.String(), test.err), err.String())
		})
	}
}

// start runs `kachi serve` and returns the address that it prints.
func start(t *testing.T, args ...string) (address string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out, stdout := io.Pipe()
	ended := make(chan int, 1)
	var stderr bytes.Buffer
	go func() {
		ended <- run(ctx, append([]string{"serve"}, args...), connect.Streams{Out: stdout, Err: &stderr})
	}()
	t.Cleanup(func() {
		cancel()
		assert.Equal(t, assert.Receive(t, ended, "the end of the server"), 0, stderr.String())
		assert.True(t, strings.Contains(stderr.String(), "stopping"), stderr.String())
	})
	line := make([]byte, 256)
	n, err := out.Read(line)
	assert.NoError(t, err)
	address, found := strings.CutPrefix(strings.TrimSpace(string(line[:n])), "Kachi is at ")
	assert.True(t, found, string(line[:n]))
	return address
}

func TestServePrintsWhereItIsAndStops(t *testing.T) {
	response, err := http.Get(start(t, "--addr", "127.0.0.1:0") + "/healthz")
	assert.NoError(t, err)
	defer response.Body.Close()
	assert.Equal(t, response.StatusCode, 200)
}

func TestFlagsFromTheEnvironment(t *testing.T) {
	t.Setenv("KACHI_ADDR", "127.0.0.1:0")
	t.Setenv("KACHI_LOG_FORMAT", "json")
	assert.True(t, strings.HasPrefix(start(t), "http://127.0.0.1:"))
}

func TestAddress(t *testing.T) {
	for listening, want := range map[string]string{
		"[::]:3000":     "http://localhost:3000",
		"0.0.0.0:80":    "http://localhost:80",
		"192.0.2.7:443": "http://192.0.2.7:443",
		"[::1]:3000":    "http://[::1]:3000",
	} {
		addr, err := net.ResolveTCPAddr("tcp", listening)
		assert.NoError(t, err)
		assert.Equal(t, address(addr), want)
	}
}
