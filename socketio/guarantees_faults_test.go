package socketio_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/history"
	"github.com/kachi-io/kachi/socketio"
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
					p.scarce, p.abrupt, p.recovery = false, false, nil
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

// So is one that concerns those who come back.
func TestPlantedFaultsOfRecoveryAreFound(t *testing.T) {
	const enough = 12
	for kind, rule := range map[string]string{"skip": "Loss", "repeat": "Duplicates", "revive": "Coming back"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			planted, played := 0, 0
			for seed := uint64(1); played < enough; seed++ {
				s, p := &spoiler{fault: kind}, newPlan(seed)
				if p.recovery == nil {
					continue
				}
				played++
				p.scarce, p.abrupt = false, false
				p.recovery = &socketio.Recovery{Window: 30 * time.Second}
				if kind == "revive" {
					p.recovery.Window = 100 * time.Millisecond
				}
				found := judged(t, p, s, nil)
				if s.spent {
					planted++
				}
				if i := slices.IndexFunc(found, func(v history.Violation) bool { return v.Rule == rule }); i >= 0 {
					t.Logf("found by seed %d, planted %d times: %v", seed, planted, found[i])
					return
				}
			}
			assert.True(t, false, fmt.Sprintf("planted %d times in %d schedules, and never found", planted, enough))
		})
	}
}
