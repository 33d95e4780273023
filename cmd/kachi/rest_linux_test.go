package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/nodetest"
)

// released returns the command as `make build` makes it.
func released(t testing.TB) string {
	t.Helper()
	needPages(t)
	binary, err := release()
	assert.NoError(t, err, binary)
	return binary
}

// release builds it once.
var release = sync.OnceValues(func() (string, error) {
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		return "", err
	}
	line := regexp.MustCompile(`(?m)^\tCGO_ENABLED=0 \$\(GO\) build (.*) -ldflags '(.*)' -o bin/kachi \./cmd/kachi$`).FindStringSubmatch(string(makefile))
	if line == nil {
		return "", errors.New("make build is another")
	}
	return build("released", []string{"CGO_ENABLED=0"}, append(strings.Fields(line[1]), "-ldflags", strings.ReplaceAll(line[2], "$(VERSION)", "test"))...)
})

const megabyte = 1e6

// memory is what a process holds, in bytes: all that is in memory of it, and the part that is
// its own, which no file has.
func memory(t testing.TB, pid int) (resident, own float64) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	assert.NoError(t, err)
	figure := func(name string) float64 {
		m := regexp.MustCompile(`(?m)^` + name + `: +(\d+) kB$`).FindSubmatch(text)
		assert.True(t, m != nil, name)
		n, err := strconv.ParseFloat(string(m[1]), 64)
		assert.NoError(t, err)
		return n * 1024
	}
	return figure("Rss"), figure("Anonymous")
}

// worked is the time for which processors have worked for a process.
func worked(t testing.TB, pid int) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	assert.NoError(t, err)
	_, rest, _ := strings.Cut(string(text), ") ") // the name may have blanks
	var ticks int64
	for _, f := range strings.Fields(rest)[11:13] { // utime and stime
		n, err := strconv.ParseInt(f, 10, 64)
		assert.NoError(t, err)
		ticks += n
	}
	return time.Duration(ticks) * (time.Second / 100) // USER_HZ
}

func fetch(t testing.TB, url string) {
	t.Helper()
	answer, err := http.Get(url)
	assert.NoError(t, err)
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	assert.NoError(t, err)
	assert.Equal(t, answer.StatusCode, 200, url)
}

// A server that has started with a new database, and was asked for a page, rests in less than
// 40 MB, most of which is the program's file. The start took processors less than half a
// second: on a machine that has one to spare it takes no longer.
func TestStartsWithLittleWorkAndRestsInLittleMemory(t *testing.T) {
	k := launch(t, released(t), "127.0.0.1:0")
	start := worked(t, k.cmd.Process.Pid)
	fetch(t, k.url+"/readyz")
	fetch(t, k.url+"/")
	resident, own := memory(t, k.cmd.Process.Pid)
	t.Logf("%v of processors' time, %.1f MB, %.1f MB of them its own", start, resident/megabyte, own/megabyte)
	assert.True(t, start < 500*time.Millisecond, start)
	assert.True(t, resident < 40*megabyte, resident/megabyte)
	assert.True(t, own < 16*megabyte, own/megabyte)
}

// BenchmarkStart compares the time until a new server answers, and what it then holds, with
// Node's socket.io without anything else, in turns:
//
//	go test -run '^$' -bench BenchmarkStart -benchtime 10x ./cmd/kachi
func BenchmarkStart(b *testing.B) {
	binary := released(b)
	nodetest.Dir(b)
	type figures struct{ took, resident float64 }
	measure := func(cmd *exec.Cmd, path string) (f figures) {
		out, err := cmd.StdoutPipe()
		assert.NoError(b, err)
		begun := time.Now()
		assert.NoError(b, cmd.Start())
		line, err := bufio.NewReader(out).ReadString('\n')
		assert.NoError(b, err)
		fetch(b, line[strings.Index(line, "http"):len(line)-1]+path)
		f.took = float64(time.Since(begun))
		f.resident, _ = memory(b, cmd.Process.Pid)
		assert.NoError(b, cmd.Process.Kill())
		_ = cmd.Wait() // which says so
		return f
	}
	var own, node figures
	n := 0.0
	for b.Loop() {
		n++
		o := measure(exec.Command(binary, "serve", "--addr", "127.0.0.1:0", "--data", b.TempDir()), "/readyz")
		p := measure(nodetest.Command(b, "server/start.mjs"), "/socket.io/?EIO=4&transport=polling")
		own.took, own.resident = own.took+o.took, own.resident+o.resident
		node.took, node.resident = node.took+p.took, node.resident+p.resident
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(own.took/n/1e6, "ms")
	b.ReportMetric(node.took/n/1e6, "ms-node")
	b.ReportMetric(own.took/node.took, "x-node")
	b.ReportMetric(own.resident/n/megabyte, "MB")
	b.ReportMetric(own.resident/node.resident, "x-MB-node")
}
