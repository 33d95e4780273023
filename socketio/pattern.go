package socketio

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// pattern is what the names of a [Dynamic]'s namespaces look like: text with parameters,
// "/room-{id}". It is anchored at both ends. A parameter stands for one character or more,
// none of them a slash; where several are possible, those further left take as little as
// they can. Doubled braces stand for themselves.
type pattern struct {
	expr   *regexp.Regexp // RE2: its time is linear in the length of a name
	params []string
}

func parsePattern(text string) (*pattern, error) {
	if text == "" || text[0] != '/' {
		return nil, errors.New("it does not begin with a slash")
	}
	if !utf8.ValidString(text) {
		return nil, errors.New("it is not UTF-8")
	}
	p := &pattern{}
	var expr strings.Builder
	expr.WriteString(`\A`)
	behind := false // a parameter
	for rest := text; rest != ""; {
		if strings.HasPrefix(rest, "{{") || strings.HasPrefix(rest, "}}") {
			expr.WriteString(`\` + rest[:1])
			rest, behind = rest[2:], false
			continue
		}
		switch rest[0] {
		case '{':
			name, after, closed := strings.Cut(rest[1:], "}")
			switch {
			case !closed:
				return nil, errors.New("a brace is not closed")
			case !parameter.MatchString(name):
				return nil, fmt.Errorf("%q is no name of a parameter: letters, digits and _, no digit first", name)
			case p.index(name) >= 0:
				return nil, fmt.Errorf("two parameters are called %q", name)
			case behind:
				return nil, fmt.Errorf("nothing tells where parameter %q begins", name)
			}
			p.params = append(p.params, name)
			expr.WriteString(`([^/]+?)`)
			rest, behind = after, true
		case '}':
			return nil, errors.New("a brace is closed that was not opened; }} stands for one")
		default:
			end := strings.IndexAny(rest, "{}")
			if end < 0 {
				end = len(rest)
			}
			expr.WriteString(regexp.QuoteMeta(rest[:end]))
			rest, behind = rest[end:], false
		}
	}
	if len(p.params) == 0 {
		return nil, errors.New("it has no parameter: one name is for Server.Of")
	}
	expr.WriteString(`\z`)
	compiled, err := regexp.Compile(expr.String())
	if err != nil {
		return nil, err
	}
	p.expr = compiled
	return p, nil
}

var parameter = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (p *pattern) index(name string) int {
	for i, other := range p.params {
		if other == name {
			return i
		}
	}
	return -1
}

// match returns the values of the parameters, or false where the name does not match.
func (p *pattern) match(name string) (map[string]string, bool) {
	found := p.expr.FindStringSubmatch(name)
	if found == nil {
		return nil, false
	}
	values := make(map[string]string, len(p.params))
	for i, param := range p.params {
		values[param] = strings.Clone(found[i+1]) // the name is a part of a message
	}
	return values, true
}

// same reports whether both match the same names.
func (p *pattern) same(other *pattern) bool { return p.expr.String() == other.expr.String() }
