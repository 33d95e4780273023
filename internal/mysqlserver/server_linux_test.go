package mysqlserver_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/mysqlserver"
)

func TestAPausedServerSaysNothing(t *testing.T) {
	each(t, func(t *testing.T, its software) {
		s := its.New(t)
		db := open(t, s.Admin()+"?readTimeout=100ms")
		exec1(t, db, "DO 1")
		s.Pause(t)
		_, err := db.Exec("DO 1")
		assert.True(t, err != nil, "an answer of a paused server")
		s.Resume(t)
		assert.Eventually(t, func() bool {
			_, err := db.Exec("DO 1")
			return err == nil
		})
		s.Pause(t) // and the test ends
	})
}

// abandon is the variable by which TestAServerEndsWithItsProcess makes the process that
// it kills.
const abandon = "KACHI_TEST_ABANDON"

// The test process is killed, and can clean up nothing itself.
func TestAServerEndsWithItsProcess(t *testing.T) {
	each(t, func(t *testing.T, its software) {
		if os.Getenv(abandon) != "" {
			s := its.New(t)
			fmt.Printf("\nlistens on %s in %s\n", s.Addr(), datadir(t, s))
			time.Sleep(time.Minute) // it is killed long before
			t.Fatal("nobody killed it")
		}
		its.Database(t) // or this test is skipped, and starts no process
		cmd := exec.Command(os.Args[0], "-test.run", strings.ReplaceAll("^"+t.Name()+"$", "/", "$/^"), "-test.v")
		cmd.Env = append(os.Environ(), abandon+"=1")
		out, err := cmd.StdoutPipe()
		assert.NoError(t, err)
		assert.NoError(t, cmd.Start())
		var addr, dir string
		for said := ""; dir == ""; {
			b := make([]byte, 1024)
			n, err := out.Read(b)
			said += string(b[:n])
			if _, line, found := strings.Cut(said, "\nlistens on "); found && strings.Contains(line, "\n") {
				_, err := fmt.Sscanf(line, "%s in %s\n", &addr, &dir)
				assert.NoError(t, err)
			} else {
				assert.NoError(t, err, said)
			}
		}
		assert.NoError(t, cmd.Process.Kill())
		assert.True(t, cmd.Wait() != nil)
		assert.Eventually(t, func() bool {
			c, err := net.Dial("tcp", addr)
			return err != nil || c.Close() != nil
		}, "the server is gone")
		_, err = os.Stat(dir)
		assert.NoError(t, err, "its folder is still there")
		its.New(t)
		_, err = os.Stat(dir)
		assert.True(t, os.IsNotExist(err), "the next server's start removes it")
	})
}

func datadir(t *testing.T, s *mysqlserver.Server) (dir string) {
	t.Helper()
	assert.NoError(t, open(t, s.Admin()).QueryRow("SELECT @@datadir").Scan(&dir))
	return dir
}
