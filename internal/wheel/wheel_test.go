package wheel_test

import (
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/wheel"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type alarm struct {
	wheel.Timer
	mu    sync.Mutex
	rings []time.Time
}

func (a *alarm) Expire(*wheel.Timer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.rings = append(a.rings, time.Now())
}

func (a *alarm) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.rings)
}

const tick = 20 * time.Millisecond

func TestTimersExpireOnceNeverEarlyAndWithinOneTick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := wheel.New(tick)
		start := time.Now()
		alarms := make([]alarm, 3000)
		wants := make([]time.Duration, len(alarms))
		for i := range alarms {
			wants[i] = time.Duration(rand.Int64N(int64(60 * time.Second))) // several rounds of the wheel
			w.Reset(&alarms[i].Timer, wants[i], &alarms[i])
		}
		time.Sleep(61 * time.Second)
		synctest.Wait()
		for i := range alarms {
			a := &alarms[i]
			if !assert.Equal(t, len(a.rings), 1, "alarm %d", i) {
				continue
			}
			late := a.rings[0].Sub(start) - wants[i]
			assert.True(t, late >= 0 && late <= tick, "alarm %d after %v was %v late", i, wants[i], late)
		}
	})
}

func TestStopAndMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := wheel.New(tick)
		var stopped, moved, again alarm
		w.Reset(&stopped.Timer, time.Second, &stopped)
		w.Reset(&moved.Timer, time.Second, &moved)
		w.Reset(&again.Timer, time.Second, &again)
		assert.True(t, w.Stop(&stopped.Timer))
		assert.True(t, !w.Stop(&stopped.Timer))
		w.Reset(&moved.Timer, 30*time.Second, &moved)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		assert.Equal(t, stopped.count(), 0)
		assert.Equal(t, moved.count(), 0)
		assert.Equal(t, again.count(), 1)
		w.Reset(&again.Timer, time.Second, &again)
		time.Sleep(40 * time.Second)
		synctest.Wait()
		assert.Equal(t, moved.count(), 1)
		assert.Equal(t, again.count(), 2)
	})
}

func TestTheGoroutineEndsAndStartsAgainAfterALongPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := wheel.New(tick)
		for range 3 {
			var a alarm
			w.Reset(&a.Timer, time.Millisecond, &a)
			time.Sleep(time.Second)
			synctest.Wait()
			assert.Equal(t, a.count(), 1)
			time.Sleep(time.Hour) // synctest.Test fails when the goroutine outlives the test
		}
	})
}

func TestConcurrentUse(t *testing.T) {
	w := wheel.New(time.Millisecond)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			var mine [50]alarm
			for range 2000 {
				a := &mine[rand.IntN(len(mine))]
				if rand.IntN(3) == 0 {
					w.Stop(&a.Timer)
				} else {
					w.Reset(&a.Timer, time.Duration(rand.IntN(3))*time.Millisecond, a)
				}
			}
			for i := range mine {
				w.Stop(&mine[i].Timer)
			}
		})
	}
	wg.Wait()
}

func BenchmarkReset(b *testing.B) {
	w := wheel.New(tick)
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		var a alarm
		for p.Next() {
			w.Reset(&a.Timer, 25*time.Second, &a)
		}
		w.Stop(&a.Timer)
	})
}

// A timer that is armed in the very tick that is being worked off is not left for the
// next round.
func TestArmedWhileItsTickIsWorkedOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := wheel.New(20 * time.Millisecond)
		began := time.Now()
		var first, second wheel.Timer
		expired := make(chan time.Duration, 1)
		w.Reset(&first, time.Second, expirer(func() {
			w.Reset(&second, 0, expirer(func() { expired <- time.Since(began) }))
		}))
		assert.Equal(t, <-expired, time.Second+20*time.Millisecond)
		time.Sleep(time.Second)
	})
}

type expirer func()

func (e expirer) Expire(*wheel.Timer) { e() }
