package connect

import (
	"slices"
	"strings"
)

// complete returns how a line may go on: what to insert where there is one way, or several
// that begin alike; what they are where not.
func (s *session) complete(before string) (insert string, choices []string) {
	line := strings.TrimLeft(before, " ")
	first, rest, second := strings.Cut(line, " ")
	if !second {
		return grow(first, verbNames())
	}
	word := strings.TrimLeft(rest, " ")
	if strings.Contains(word, " ") {
		return "", nil
	}
	v := verbOf(first)
	if v == nil {
		return "", nil
	}
	switch v.name {
	case "emit", "ask", "volatile", "wait":
		return grow(word, s.plainEvents())
	case "use", "leave", "join":
		return grow(word, s.namespaces())
	case "help":
		return grow(word, verbNames())
	}
	return "", nil
}

func verbNames() (names []string) {
	for _, v := range verbs {
		names = append(names, v.name)
	}
	slices.Sort(names)
	return names
}

// plainEvents are the names that can be written as they are.
func (s *session) plainEvents() []string {
	return slices.DeleteFunc(s.seen.events(s.member().namespace()), func(name string) bool {
		return eventName(name) != name
	})
}

func (s *session) namespaces() (names []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.members {
		names = append(names, m.namespace())
	}
	slices.Sort(names)
	return names
}

// grow completes a word as far as all names agree that begin with it.
func grow(word string, names []string) (insert string, choices []string) {
	var fit []string
	for _, name := range names {
		if strings.HasPrefix(name, word) {
			fit = append(fit, name)
		}
	}
	switch len(fit) {
	case 0:
		return "", nil
	case 1:
		return fit[0][len(word):] + " ", nil
	}
	common := fit[0]
	for _, name := range fit[1:] {
		for !strings.HasPrefix(name, common) {
			common = common[:boundary(common, len(common)-1)]
		}
	}
	return common[len(word):], fit
}
