package fromnest

import (
	"strings"
	"testing"

	"github.com/kachi-io/kachi/examples/exampletest"
	"github.com/kachi-io/kachi/internal/assert"
)

// What the document shows is what is compiled and tested here, all of it.
func TestDocumentShowsTheseSnippets(t *testing.T) {
	count, document := exampletest.Document(t, "../../docs/from-nestjs.md")
	assert.Equal(t, strings.Count(document, "```go"), count, "code that comes from elsewhere")
}
