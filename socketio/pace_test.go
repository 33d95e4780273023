package socketio

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
)

func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &Options{MaxEventRate: 10, EventBurst: 3}
		var p pace
		for range 2 { // after a rest the burst is there again
			for range 3 {
				assert.Equal(t, p.take(o), time.Duration(0))
			}
			assert.Equal(t, p.take(o), 100*time.Millisecond)
			assert.Equal(t, p.take(o), 100*time.Millisecond, "a refused event costs nothing")
			time.Sleep(100 * time.Millisecond)
			assert.Equal(t, p.take(o), time.Duration(0))
			assert.True(t, p.take(o) > 0)
			assert.True(t, !p.rested(o))
			time.Sleep(time.Hour)
			assert.True(t, p.rested(o))
		}
		for range 10_000 {
			assert.Equal(t, p.take(&Options{EventBurst: 3}), time.Duration(0), "no limit")
		}
	})
}
