package config

import (
	"reflect"
	"slices"
	"strings"
	"time"
)

// Setting is what is known of a setting without its value.
type Setting struct {
	Name    string   // of the flag, without --, and of the key
	Env     string   // of the environment variable
	Key     string   // in the file; empty for what cannot stand there
	Default string   // as it would be written; may be empty
	Type    string   // what a value looks like, such as HOST:PORT; empty for a switch
	OneOf   []string // all values that there are, if they are few
	Help    string   // for people, with the default
	Group   string   // the settings that it belongs to
	Switch  bool     // is true or false, and as a flag needs no value
	List    bool     // has several values, with commas between them
	Secret  bool     // is not shown

	field    int
	plain    bool // needs no quotes in the file
	min, max string
	check    string
}

// settings are the fields of Config, in their order.
var settings = describe()

// Settings are all that there are, in the order in which people should read them.
func Settings() []Setting { return slices.Clone(settings) }

func describe() (all []Setting) {
	var group string
	for field := range reflect.TypeFor[Config]().Fields() {
		tag := field.Tag.Get
		if g := tag("group"); g != "" {
			group = g
		}
		s := Setting{
			Name: tag("name"), Key: tag("name"), Default: tag("default"), Type: tag("type"), Help: tag("help"), Group: group,
			Switch: field.Type.Kind() == reflect.Bool,
			List:   field.Type.Kind() == reflect.Slice,
			Secret: field.Type == reflect.TypeFor[Secret]() || field.Type == reflect.TypeFor[[]Secret](),
			field:  field.Index[0], min: tag("min"), max: tag("max"), check: tag("check"),
		}
		s.Env = "KACHI_" + strings.ToUpper(strings.ReplaceAll(s.Name, "-", "_"))
		switch reflect.Zero(field.Type).Interface().(type) {
		case bool, int, time.Duration:
			s.plain = true
		case string:
			s.plain = tag("oneof") != ""
		}
		if tag("file") == "-" {
			s.Key = ""
		}
		if tag("oneof") != "" {
			s.OneOf = strings.Split(tag("oneof"), ",")
			s.Type = strings.Join(s.OneOf, "|")
		}
		if s.Default != "" {
			s.Help += " Default " + s.Default + "."
		}
		all = append(all, s)
	}
	return all
}

// in returns the setting's place in c.
func (s *Setting) in(c *Config) reflect.Value { return reflect.ValueOf(c).Elem().Field(s.field) }

// nearest is the key that somebody may have meant by another one, or none.
func nearest(key string) string {
	key = strings.ReplaceAll(strings.ToLower(key), "_", "-")
	best, least := "", 3 // more than two letters of difference are another word
	for _, s := range settings {
		d := distance(key, s.Key)
		if strings.HasPrefix(key, s.Key) || strings.HasPrefix(s.Key, key) {
			d = min(d, 2)
		}
		if s.Key != "" && d < least && d < len(s.Key) {
			best, least = s.Key, d
		}
	}
	return best
}

// distance counts the letters to be changed, left out and put in (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
