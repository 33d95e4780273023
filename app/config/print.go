package config

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Print writes all settings as a file that [Load] would read, but for the secrets, which
// are hidden, and says behind each where it comes from.
func (l *Loaded) Print(w io.Writer) error {
	var b strings.Builder
	for i := range settings {
		s := &settings[i]
		line := s.Name + ": "
		var texts []string
		for _, text := range s.written(&l.Config) {
			texts = append(texts, scalar(text, s))
		}
		if s.List {
			line += "[" + strings.Join(texts, ", ") + "]"
		} else {
			line += texts[0]
		}
		if s.Key == "" {
			line = "# " + line
		}
		source := l.sources[s.Name]
		if source == "" {
			source = "default"
		}
		fmt.Fprintf(&b, "%-40s # %s\n", line, source)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// scalar writes a text as YAML, with quotes where it would be read as something else.
func scalar(text string, s *Setting) string {
	if s.plain {
		return text
	}
	out, err := yaml.Marshal(&yaml.Node{Kind: yaml.ScalarNode, Style: yaml.DoubleQuotedStyle, Value: text})
	if err != nil {
		return strconv.Quote(text) // for what is no text at all
	}
	return strings.TrimSpace(string(out))
}
