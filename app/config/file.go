package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

const maxFileBytes = 1 << 20

// entry is what a source says about one setting.
type entry struct {
	texts  []string
	source string // for people: "--addr", "KACHI_ADDR", "kachi.yaml line 3"
}

// readFile returns the entries of a file by their keys, and all that is wrong with it but
// the values.
func readFile(path string) (entries map[string]entry, faults []string) {
	name := filepath.Base(path)
	f, err := os.Open(path)
	if err != nil {
		return nil, []string{err.Error()}
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return nil, []string{err.Error()}
	}
	if len(text) > maxFileBytes {
		return nil, []string{fmt.Sprintf("%s has more than %d bytes, which is no file of settings", name, maxFileBytes)}
	}
	return parseFile(name, text)
}

func parseFile(name string, text []byte) (entries map[string]entry, faults []string) {
	var document yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF):
		return nil, nil // empty, or comments alone
	case err != nil:
		return nil, []string{fmt.Sprintf("%s is no YAML: %s", name, syntax(err))}
	}
	if err := decoder.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		faults = append(faults, name+" has more behind its first YAML document")
	}
	root := document.Content[0]
	if root.Kind != yaml.MappingNode {
		if root.Tag == "!!null" {
			return nil, faults
		}
		return nil, append(faults, at(name, root)+": here should be a setting, such as addr: \":3000\"")
	}
	entries = map[string]entry{}
	first := map[string]int{} // line
	for i := 0; i < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		source := at(name, key)
		if key.Kind != yaml.ScalarNode {
			faults = append(faults, source+": a key has to be a name")
			continue
		}
		known := false
		for _, s := range settings {
			known = known || (s.Key != "" && s.Key == key.Value)
		}
		switch line, twice := first[key.Value]; {
		case !known && nearest(key.Value) != "":
			faults = append(faults, fmt.Sprintf("%s: unknown key %q, did you mean %s?", source, key.Value, nearest(key.Value)))
			continue
		case !known:
			faults = append(faults, fmt.Sprintf("%s: unknown key %q", source, key.Value))
			continue
		case twice:
			faults = append(faults, fmt.Sprintf("%s: %s stands in line %d already", source, key.Value, line))
			continue
		}
		first[key.Value] = key.Line
		texts, err := scalars(value)
		if err != nil {
			faults = append(faults, fmt.Sprintf("%s: %s: %v", source, key.Value, err))
			continue
		}
		if texts != nil {
			entries[key.Value] = entry{texts, source}
		}
	}
	return entries, faults
}

// syntax says what YAML says, but not the word behind an asterisk, which may be a secret.
func syntax(err error) string {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	before, _, anchor := strings.Cut(text, "unknown anchor")
	if anchor || strings.HasSuffix(text, "did not find expected alphabetic or numeric character") {
		return strings.TrimSuffix(before, "did not find expected alphabetic or numeric character") + "a value that begins with * or & needs quotes"
	}
	return text
}

func at(name string, node *yaml.Node) string { return fmt.Sprintf("%s line %d", name, node.Line) }

// scalars are the texts of a value or a list, as they are written: what is a number is
// the setting's business. A key without a value says nothing (nil).
func scalars(node *yaml.Node) (texts []string, err error) {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	switch {
	case node.Kind == yaml.ScalarNode && node.Tag == "!!null":
		return nil, nil
	case node.Kind == yaml.ScalarNode:
		return []string{node.Value}, nil
	case node.Kind == yaml.SequenceNode:
		texts = []string{}
		for _, item := range node.Content {
			if item.Kind == yaml.AliasNode {
				item = item.Alias
			}
			if item.Kind != yaml.ScalarNode || item.Tag == "!!null" {
				return nil, fmt.Errorf("line %d is no plain value", item.Line)
			}
			texts = append(texts, item.Value)
		}
		return texts, nil
	}
	return nil, errors.New("is neither a value nor a list of values")
}
