package gatewaytest

import (
	"context"
	"fmt"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Goroutines inherit the labels of the one that starts them, so that those of an app are
// known among all others, also where tests run in parallel.
const labelName = "gatewaytest"

var labels atomic.Int64

func newLabel() string { return strconv.FormatInt(labels.Add(1), 10) }

// labelled calls f on a goroutine that has the app's label, and waits for it.
func (a *App) labelled(f func()) { labelled(a.label, f) }

func labelled(label string, f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		pprof.Do(context.Background(), pprof.Labels(labelName, label), func(context.Context) { f() })
	}()
	<-done
}

const (
	leavePause = 10 * time.Millisecond
	leaveTries = 500
)

// expectNoGoroutines waits until nothing of the app runs any more.
func (a *App) expectNoGoroutines(t testing.TB) {
	t.Helper()
	var left string
	for range leaveTries {
		if left = a.goroutines(); left == "" {
			return
		}
		time.Sleep(leavePause) // what ends by itself: timing wheels at their next tick
	}
	t.Errorf("gatewaytest: the app has stopped, and goroutines are left that it has started:\n\n%s", left)
}

// goroutines describes those of the app, "" for none.
func (a *App) goroutines() string {
	var all, own strings.Builder
	_ = pprof.Lookup("goroutine").WriteTo(&all, 1)
	mark := fmt.Sprintf("%q:%q", labelName, a.label)
	for stack := range strings.SplitSeq(all.String(), "\n\n") {
		if strings.Contains(stack, mark) {
			own.WriteString(stack + "\n\n")
		}
	}
	return own.String()
}
