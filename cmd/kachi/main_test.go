package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
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
		{args: "serve --addr nowhere", code: 2, err: "--addr: \"nowhere\""},
		{args: "serve --addr 192.0.2.1:1", code: 1, err: "192.0.2.1:1"},
		{args: "serve --allowed-origins nonsense", code: 2, err: "nonsense"},
		{args: "serve --static nowhere", code: 1, err: "nowhere"},
		{args: "serve --max-payload 0 --ping-timeout=1", code: 2, err: "2 faults in the settings:\n  --max-payload"},
		{args: "serve --config nowhere.yaml", code: 2, err: "nowhere.yaml"},
		{args: "serve --print-config --log-level debug", out: "log-level: debug                         # --log-level\n"},
	} {
		t.Run(test.args, func(t *testing.T) {
			t.Setenv("KACHI_DATA", t.TempDir())
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
	return startWith(t, []string{"Kachi"}, args...)[0]
}

// startWith is start for a server that listens at several addresses, and says what is at each.
func startWith(t *testing.T, what []string, args ...string) (addresses []string) {
	t.Helper()
	if !slices.Contains(args, "--data") {
		args = append(args, "--data", t.TempDir())
	}
	ctx, cancel := context.WithCancel(context.Background())
	out, stdout := io.Pipe()
	ended := make(chan int, 1)
	var stderr bytes.Buffer
	go func() {
		code := run(ctx, append([]string{"serve"}, args...), connect.Streams{Out: stdout, Err: &stderr})
		_ = stdout.Close()
		ended <- code
	}()
	t.Cleanup(func() {
		cancel()
		assert.Equal(t, assert.Receive(t, ended, "the end of the server"), 0, stderr.String())
		assert.True(t, strings.Contains(stderr.String(), "stopping"), stderr.String())
	})
	said := bufio.NewReader(out)
	for _, what := range what {
		line, err := said.ReadString('\n')
		assert.NoError(t, err)
		address, found := strings.CutPrefix(strings.TrimSpace(line), what+" is at ")
		assert.True(t, found, line)
		addresses = append(addresses, address)
	}
	go func() { _, _ = io.Copy(io.Discard, said) }() // until the server ends, and closes it
	return addresses
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

// What the file says, reaches the server that listens.
func TestSettingsOfAFileAreServed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kachi.yaml")
	assert.NoError(t, os.WriteFile(file, []byte(`
addr: 127.0.0.1:0
max-payload: 4321
ping-interval: 7s
ping-timeout: 3s
max-per-address: 2
max-connections: 3
trusted-proxies: 127.0.0.1
allowed-origins: [https://a.example]
`), 0o600))
	t.Setenv("KACHI_CONFIG", file)
	url := start(t, "--ping-timeout", "4s") + "/socket.io/?EIO=4&transport=polling"
	for _, test := range []struct {
		from, origin string
		status       int
	}{
		{"192.0.2.1", "https://a.example", 200},
		{"192.0.2.1", "https://b.example", 403},
		{"192.0.2.1", "", 200},
		{"192.0.2.1", "", 503}, // two are there from this address
		{"192.0.2.2", "", 200},
		{"192.0.2.3", "", 503}, // three are there
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		assert.NoError(t, err)
		request.Header.Set("X-Forwarded-For", test.from)
		if test.origin != "" {
			request.Header.Set("Origin", test.origin)
		}
		response, err := http.DefaultClient.Do(request)
		assert.NoError(t, err)
		body, err := io.ReadAll(response.Body)
		assert.NoError(t, err)
		assert.NoError(t, response.Body.Close())
		assert.Equal(t, response.StatusCode, test.status, string(body))
		if test.status == 200 {
			for _, part := range []string{`"maxPayload":4321`, `"pingInterval":7000`, `"pingTimeout":4000`} {
				assert.True(t, strings.Contains(string(body), part), string(body))
			}
		}
	}
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
		assert.Equal(t, address("http", addr), want)
	}
}
