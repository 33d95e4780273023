package config

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
)

var update = flag.Bool("update", false, "write the settings into docs/configuration.md")

const page = "../../docs/configuration.md"

// TestDocumentation holds the tables of docs/configuration.md to the settings.
func TestDocumentation(t *testing.T) {
	const begin, end = "<!-- settings -->\n", "<!-- end of settings -->\n"
	text, err := os.ReadFile(page)
	assert.NoError(t, err)
	before, rest, ok := strings.Cut(string(text), begin)
	assert.True(t, ok, begin)
	_, after, ok := strings.Cut(rest, end)
	assert.True(t, ok, end)
	want := before + begin + tables() + end + after
	if *update {
		assert.NoError(t, os.WriteFile(page, []byte(want), 0o644))
		return
	}
	assert.Equal(t, string(text), want, "go test ./app/config -update")
}

func tables() string {
	var b strings.Builder
	cell := strings.NewReplacer("|", `\|`)
	group := ""
	for i, s := range settings {
		if s.Group != group {
			group = s.Group
			fmt.Fprintf(&b, "\n### %s\n\n| flag | environment | key | value | default | meaning |\n|---|---|---|---|---|---|\n", group)
		}
		key, value, initial, help := "–", s.Type, "–", s.Help
		if s.Key != "" {
			key = "`" + s.Key + "`"
		}
		if s.Switch {
			value = "true|false"
		}
		if s.Default != "" {
			initial = "`" + s.Default + "`"
			help = strings.TrimSuffix(help, " Default "+s.Default+".")
		}
		value = "`" + value + "`"
		if settings[i].Secret {
			value += ", secret"
		}
		fmt.Fprintf(&b, "| `--%s` | `%s` | %s | %s | %s | %s |\n", s.Name, s.Env, key, cell.Replace(value), initial, cell.Replace(help))
	}
	return b.String() + "\n"
}

// The file that the page shows is one.
func TestDocumentedFile(t *testing.T) {
	text, err := os.ReadFile(page)
	assert.NoError(t, err)
	_, rest, ok := strings.Cut(string(text), "```yaml\n")
	assert.True(t, ok)
	example, _, ok := strings.Cut(rest, "```")
	assert.True(t, ok)
	l, err := Load(Sources{Flags: map[string][]string{"config": {write(t, example)}}})
	assert.NoError(t, err)
	assert.Equal(t, l.Source("addr"), "kachi.yaml line 1")
	assert.Equal(t, len(l.AllowedOrigins), 2)
}
