package socketio_test

import (
	"fmt"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
)

// The judge is worth as much as what it finds: a fault between the two sides is found
// within a few schedules.
func TestPlantedFaultsAreFound(t *testing.T) {
	const enough = 12
	for _, kind := range []string{"swap", "drop", "twice"} {
		for _, fromHere := range []bool{false, true} {
			direction := "to clients"
			if fromHere {
				direction = "to the server"
			}
			t.Run(kind+" "+direction, func(t *testing.T) {
				t.Parallel()
				planted := 0
				for seed := uint64(1); seed <= enough; seed++ {
					s := &spoiler{fault: kind, fromHere: fromHere, skip: 5}
					p := newPlan(seed)
					p.scarce, p.abrupt = false, false
					found := judged(t, p, s, nil)
					if s.spent {
						planted++
					}
					if len(found) > 0 {
						t.Logf("found by seed %d, planted %d times: %v", seed, planted, found[0])
						return
					}
				}
				assert.True(t, false, fmt.Sprintf("planted %d times in %d schedules, and never found", planted, enough))
			})
		}
	}
}
