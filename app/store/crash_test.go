package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/app/store/storetest"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
)

// childEnv has this test's program be another process that uses a database: "write PATH".
const childEnv = "KACHI_STORE_CHILD"

// child does what the variable says, and reports whether it says something.
func child() bool {
	what, path, is := strings.Cut(os.Getenv(childEnv), " ")
	if !is {
		return false
	}
	if what == "nobody" { // root may write everywhere
		if err := errors.Join(syscall.Setgid(65534), syscall.Setuid(65534)); err != nil && os.Getuid() == 0 {
			fmt.Println(err)
			return true
		}
	}
	db, err := store.Open(context.Background(), path, &store.Options{Timeout: time.Minute})
	if err != nil {
		fmt.Println(err)
		return true
	}
	fmt.Println("open")
	if what == "write" {
		writeForEver(db)
	}
	_, _ = io.Copy(io.Discard, os.Stdin) // until the parent is gone
	return true
}

// writeForEver has several writers change a document each, as fast as they can, and says
// which changes were acknowledged.
func writeForEver(db *store.DB) {
	var mu sync.Mutex
	for i := range 16 {
		name := fmt.Sprint("writer/", i)
		go func() {
			d, err := db.Document(context.Background(), name)
			for v := d.Version; err == nil; v++ {
				_, err = db.SetDocument(context.Background(), store.DocumentChange{Name: name, Value: []byte(strconv.FormatInt(v+1, 10)), Expected: version(v), At: noon})
				if err == nil {
					mu.Lock()
					fmt.Println(name, v+1)
					mu.Unlock()
				}
			}
			fmt.Println("failed:", err)
		}()
	}
}

// process starts a child, which is killed with the test, and returns what it says.
func process(t *testing.T, what, path string) (lines *bufio.Scanner, kill func()) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+what+" "+path)
	stdin, err := cmd.StdinPipe()
	assert.NoError(t, err)
	out, err := cmd.StdoutPipe()
	assert.NoError(t, err)
	assert.NoError(t, cmd.Start())
	kill = sync.OnceFunc(func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() {
		kill()
		_, _ = io.Copy(io.Discard, out)
		_ = stdin.Close()
		_ = cmd.Wait() // it was killed
	})
	return bufio.NewScanner(out), kill
}

func next(t *testing.T, lines *bufio.Scanner) string {
	t.Helper()
	assert.True(t, lines.Scan(), lines.Err())
	return lines.Text()
}

// A process that is killed while it writes leaves a database that opens, with everything in
// it that was acknowledged, and nothing by halves.
func TestKilledWhileItWrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kachi.db")
	acknowledged := map[string]int64{}
	for range 3 {
		lines, kill := process(t, "write", path)
		assert.Equal(t, next(t, lines), "open")
		for n := 0; lines.Scan(); n++ { // what it said before its end counts, too
			name, text, _ := strings.Cut(lines.Text(), " ")
			v, err := strconv.ParseInt(text, 10, 64)
			assert.NoError(t, err, lines.Text())
			assert.Equal(t, v, acknowledged[name]+1)
			acknowledged[name] = v
			if n == 300 {
				kill()
			}
		}
		db := storetest.Open(t, path)
		assert.Equal(t, len(acknowledged), 16)
		for name, v := range acknowledged {
			d, err := db.Document(t.Context(), name)
			assert.NoError(t, err)
			// One more may be there, whose answer was on its way.
			assert.True(t, d.Version == v || d.Version == v+1, name, v, d.Version)
			assert.Equal(t, string(d.Value), strconv.FormatInt(d.Version, 10))
			acknowledged[name] = d.Version
		}
		var state string
		store.Query(t, db, `PRAGMA integrity_check`, nil, &state)
		assert.Equal(t, state, "ok")
		assert.NoError(t, db.Ready(t.Context()))
		assert.NoError(t, db.Close())
	}
}

func TestTwoProcessesOnOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kachi.db")
	lines, kill := process(t, "hold", path)
	assert.Equal(t, next(t, lines), "open")
	_, err := store.Open(t.Context(), path, &store.Options{Timeout: 100 * time.Millisecond})
	assert.True(t, err != nil && strings.Contains(err.Error(), path+" is used by another process"), err)
	kill()
	assert.NoError(t, storetest.Open(t, path).Ready(t.Context())) // it waits for the other's end
}

func TestAFolderThatCannotBeWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	assert.NoError(t, errors.Join(os.Chmod(filepath.Dir(filepath.Dir(dir)), 0o755), os.Chmod(filepath.Dir(dir), 0o755), os.Mkdir(dir, 0o555)))
	lines, _ := process(t, "nobody", filepath.Join(dir, "kachi.db"))
	said := next(t, lines)
	assert.True(t, strings.Contains(said, dir) && strings.Contains(said, "permission denied"), said)

	file := filepath.Join(t.TempDir(), "file")
	assert.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := store.Open(t.Context(), filepath.Join(file, "kachi.db"), nil)
	assert.ErrorIs(t, err, syscall.ENOTDIR)
}

func TestAFileThatIsNoDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kachi.db")
	assert.NoError(t, os.WriteFile(path, []byte(strings.Repeat("This is a letter. ", 1000)), 0o600))
	_, err := store.Open(t.Context(), path, nil)
	assert.True(t, err != nil && strings.Contains(err.Error(), path) && strings.Contains(err.Error(), "not a database"), err)
	text, err := os.ReadFile(path)
	assert.NoError(t, err)
	assert.True(t, strings.HasPrefix(string(text), "This is a letter. "), "it is left alone")
}

// Of a file that is damaged in the middle what is whole is read, and the rest is an error
// with a code.
func TestAFileThatIsDamaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kachi.db")
	db := storetest.Open(t, path)
	for i := range 50 {
		_, err := db.SetDocument(t.Context(), store.DocumentChange{Name: fmt.Sprint("d/", i), Value: []byte(strings.Repeat("x", 50_000)), Expected: version(0), At: noon})
		assert.NoError(t, err)
	}
	mina := addUser(t, db, "mina")
	assert.NoError(t, db.Close())
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	assert.NoError(t, err)
	info, err := file.Stat()
	assert.NoError(t, err)
	_, err = file.WriteAt([]byte(strings.Repeat("\xde\xad", 250_000)), info.Size()-1_000_000)
	assert.NoError(t, errors.Join(err, file.Close()))

	db = storetest.Open(t, path)
	_, err = db.User(t.Context(), mina.ID)
	assert.NoError(t, err)
	bad := 0
	for i := range 50 {
		if d, err := db.Document(t.Context(), fmt.Sprint("d/", i)); err != nil {
			bad++
			assert.True(t, store.Unavailable(err) && gateway.CodeOf(err) == gateway.CodeUnavailable, err)
		} else {
			assert.Equal(t, len(d.Value), 50_000)
		}
	}
	assert.True(t, bad > 0 && bad < 50, bad)
}
