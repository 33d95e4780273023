package ids_test

import (
	"regexp"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/ids"
)

func TestIdsAreTwentyURLSafeCharactersAndDiffer(t *testing.T) {
	shape := regexp.MustCompile(`^[A-Za-z0-9_-]{20}$`)
	seen := map[string]bool{}
	for range 10_000 {
		id := ids.New()
		assert.True(t, shape.MatchString(id) && !seen[id], "id %q", id)
		seen[id] = true
	}
}
