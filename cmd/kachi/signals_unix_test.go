//go:build unix

package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/testclient"
)

// begun is a request whose handler waits for the rest of its body.
type begun struct {
	t    *testing.T
	c    net.Conn
	read *bufio.Reader
	rest string
}

func begin(t *testing.T, url string) *begun {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	assert.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	body := quote(map[string]string{"name": "Jun", "password": password})
	_, err = fmt.Fprintf(c, "POST /api/auth/register HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", len(body))
	assert.NoError(t, err)
	assert.NoError(t, c.SetReadDeadline(time.Now().Add(patience)))
	b := &begun{t, c, bufio.NewReader(c), body}
	line, err := b.read.ReadString('\n')
	assert.NoError(t, err)
	assert.Equal(t, line, "HTTP/1.1 100 Continue\r\n") // which is said where the body is read
	_, err = b.read.ReadString('\n')
	assert.NoError(t, err)
	return b
}

// finish sends the body and returns the answer.
func (b *begun) finish() *http.Response {
	b.t.Helper()
	_, err := io.WriteString(b.c, b.rest)
	assert.NoError(b.t, err)
	answer, err := http.ReadResponse(b.read, nil)
	assert.NoError(b.t, err)
	b.t.Cleanup(func() { _ = answer.Body.Close() })
	return answer
}

// connected is somebody with an account and a socket.
func connected(t *testing.T, url string) *testclient.Client {
	t.Helper()
	answer, err := http.Post(url+"/api/auth/register", "application/json", strings.NewReader(quote(map[string]string{"name": "Mina", "password": password})))
	assert.NoError(t, err)
	defer answer.Body.Close()
	var account struct{ AccessToken string }
	assert.NoError(t, json.NewDecoder(answer.Body).Decode(&account))
	return testclient.Connect(t, url, "/chat", map[string]string{"token": account.AccessToken})
}

// end waits for the process and returns how it ended.
func (k *kachi) end(t *testing.T) (code int, by syscall.Signal) {
	t.Helper()
	kill := time.AfterFunc(patience, func() { _ = k.cmd.Process.Kill() })
	defer kill.Stop()
	err := k.cmd.Wait()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	status := k.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if status.Signaled() {
		return -1, status.Signal()
	}
	return status.ExitStatus(), 0
}

// TestSignals is about the process as it is started by others, built once.
func TestSignals(t *testing.T) {
	binary := buildKachi(t)
	for name, test := range map[string]func(*testing.T, string){
		"the first stops gracefully":         testASignalStopsGracefully,
		"a second ends at once":              testASecondSignalEndsAtOnce,
		"SIGHUP reads the certificate again": testSIGHUPReadsTheCertificateAgain,
		"SIGHUP ends nothing":                testSIGHUPEndsNothing,
	} {
		t.Run(name, func(t *testing.T) { test(t, binary) })
	}
}

// At the first signal sockets are ended so that their clients come back, requests that have
// begun are answered, and the database is closed.
func testASignalStopsGracefully(t *testing.T, binary string) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			data := t.TempDir()
			k := launch(t, binary, "127.0.0.1:0", "--data", data, "--shutdown-timeout", "10m", "--log-format", "json")
			socket := connected(t, k.url)
			request := begin(t, k.url)
			_, err := os.Stat(filepath.Join(data, "kachi.db-wal"))
			assert.NoError(t, err)

			assert.NoError(t, k.cmd.Process.Signal(signal))
			socket.Lost()
			answer := request.finish()
			assert.Equal(t, answer.StatusCode, 201)
			assert.True(t, answer.Close, "the next request belongs elsewhere")
			code, by := k.end(t)
			assert.Equal(t, fmt.Sprint(code, by), fmt.Sprint(0, syscall.Signal(0)), k.log.String())
			for _, line := range []string{`"msg":"stopping"`, `"msg":"stopped","connections":1,`} {
				assert.True(t, strings.Contains(k.log.String(), line), k.log.String())
			}
			_, err = os.Stat(filepath.Join(data, "kachi.db-wal"))
			assert.ErrorIs(t, err, fs.ErrNotExist, "SQLite's last connection takes the journal into the file")
		})
	}
}

// Who sends another signal wants no grace.
func testASecondSignalEndsAtOnce(t *testing.T, binary string) {
	for _, second := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(second.String(), func(t *testing.T) {
			k := launch(t, binary, "127.0.0.1:0", "--shutdown-timeout", "10m")
			socket := connected(t, k.url)
			begin(t, k.url) // and never ends
			assert.NoError(t, k.cmd.Process.Signal(syscall.SIGTERM))
			socket.Lost()
			assert.NoError(t, k.cmd.Process.Signal(second))
			_, by := k.end(t)
			assert.Equal(t, by, second)
			assert.True(t, strings.HasSuffix(k.log.String(), "kachi: "+second.String()+" while stopping: ended at once\n"), k.log.String())
		})
	}
}

// pair writes a certificate for 127.0.0.1 and its key.
func pair(t *testing.T, serial int64, cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	assert.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	assert.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	assert.NoError(t, err)
	assert.NoError(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	assert.NoError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
}

// SIGHUP reads the certificate again at once, before anybody asks for it. Connections stay.
func testSIGHUPReadsTheCertificateAgain(t *testing.T, binary string) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	pair(t, 1, cert, key)
	k := launch(t, binary, "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key)
	dial := func() *tls.Conn {
		c, err := tls.Dial("tcp", strings.TrimPrefix(k.url, "https://"), &tls.Config{InsecureSkipVerify: true})
		assert.NoError(t, err)
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	serial := func(c *tls.Conn) int64 { return c.ConnectionState().PeerCertificates[0].SerialNumber.Int64() }
	before := dial()
	assert.Equal(t, serial(before), int64(1))
	pair(t, 2, cert, key)
	assert.NoError(t, k.cmd.Process.Signal(syscall.SIGHUP))
	assert.Eventually(t, func() bool { return strings.Contains(k.log.String(), "tls: the certificate was read again") }, "the log")
	assert.Equal(t, serial(dial()), int64(2))

	_, err := io.WriteString(before, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
	assert.NoError(t, err)
	answer, err := http.ReadResponse(bufio.NewReader(before), nil)
	assert.NoError(t, err)
	defer answer.Body.Close()
	assert.Equal(t, answer.StatusCode, 200)
}

// A terminal that is closed sends SIGHUP, too.
func testSIGHUPEndsNothing(t *testing.T, binary string) {
	k := launch(t, binary, "127.0.0.1:0")
	socket := connected(t, k.url)
	assert.NoError(t, k.cmd.Process.Signal(syscall.SIGHUP))
	assert.Eventually(t, func() bool {
		return strings.Contains(k.log.String(), "there are no files of a certificate to read again")
	}, "the log")
	var rooms any
	socket.Ask(&rooms, "join", "1")
	k.stop(t)
}
