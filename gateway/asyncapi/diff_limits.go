package asyncapi

import (
	"reflect"
	"slices"
	"strings"
)

// values compares constants and enumerations.
func (d *differ) values(w way, where string, was, is *Schema) {
	old, now := was.choice(), is.choice()
	switch {
	case old == nil && now == nil:
	case old == nil:
		d.add(w == in, where, "it has to be one of %s now", strings.Join(now, ", "))
	case now == nil:
		d.add(w == out, where, "it can be more than %s now", strings.Join(old, ", "))
	default:
		for _, v := range old {
			if !slices.Contains(now, v) {
				d.add(w == in, where, "it cannot be %s any more", v)
			}
		}
		for _, v := range now {
			if !slices.Contains(old, v) {
				d.add(w == out, where, "it can be %s now", v)
			}
		}
	}
}

// choice is what a value is one of, as JSON; nil when there is no such list.
func (s *Schema) choice() (all []string) {
	list := s.Enum
	if s.Const != nil {
		list = []any{s.Const}
	}
	for _, v := range list {
		text, err := plainJSON(v)
		if err == nil {
			all = append(all, string(text))
		}
	}
	return all
}

// limits compares bounds and forms. They break nobody who only reads.
func (d *differ) limits(w way, where string, was, is *Schema) {
	for _, l := range []struct {
		name     string
		old, now *float64
		upper    bool
	}{
		{"minimum", was.Minimum, is.Minimum, false}, {"exclusive minimum", was.ExclusiveMinimum, is.ExclusiveMinimum, false},
		{"maximum", was.Maximum, is.Maximum, true}, {"exclusive maximum", was.ExclusiveMaximum, is.ExclusiveMaximum, true},
		{"shortest length", float(was.MinLength), float(is.MinLength), false}, {"longest length", float(was.MaxLength), float(is.MaxLength), true},
		{"least number of items", float(was.MinItems), float(is.MinItems), false}, {"greatest number of items", float(was.MaxItems), float(is.MaxItems), true},
		{"least number of members", float(was.MinProperties), float(is.MinProperties), false}, {"greatest number of members", float(was.MaxProperties), float(is.MaxProperties), true},
	} {
		switch {
		case l.old == nil && l.now == nil || l.old != nil && l.now != nil && *l.old == *l.now:
		case l.now == nil:
			d.add(false, where, "the %s of %v is gone", l.name, *l.old)
		case l.old == nil:
			d.add(w == in && !(*l.now == 0 && strings.Contains(l.name, "least ") || *l.now == 0 && l.name == "shortest length"), where, "the %s is %v now", l.name, *l.now)
		default:
			d.add(w == in && (*l.now < *l.old) == l.upper, where, "the %s was %v and is %v now", l.name, *l.old, *l.now)
		}
	}
	for _, f := range []struct{ name, old, now string }{
		{"format", was.Format, is.Format}, {"rule", was.Rules, is.Rules},
		{"encoding", was.ContentEncoding, is.ContentEncoding}, {"media type", was.ContentMediaType, is.ContentMediaType},
	} {
		switch {
		case f.old == f.now:
		case f.now == "":
			d.add(false, where, "the %s %s is gone", f.name, f.old)
		case f.old == "":
			d.add(w == in, where, "the %s is %s now", f.name, f.now)
		default:
			d.add(w == in || f.name == "format" || f.name == "encoding", where, "the %s was %s and is %s now", f.name, f.old, f.now)
		}
	}
	if !was.UniqueItems && is.UniqueItems {
		d.add(w == in, where, "the items have to be different now")
	} else if was.UniqueItems && !is.UniqueItems {
		d.add(false, where, "the items may be equal now")
	}
	if old, now := told(was.Default), told(is.Default); old != now {
		d.add(false, where, "the default was %s and is %s now", old, now)
	}
	if !reflect.DeepEqual(was.Not, is.Not) {
		d.add(w == in && is.Not != nil, where, "what it must not be changed")
	}
}

// told is a default in words.
func told(v any) string {
	if v == nil {
		return "none"
	}
	return literal(v)
}

// patterns compares what texts have to be like.
func (d *differ) patterns(w way, where string, was, is *Schema) {
	old, now := was.patterns(), is.patterns()
	if len(old) == 1 && len(now) == 1 && old[0] != now[0] {
		d.add(w == in, where, "the pattern was %s and is %s now", old[0], now[0])
		return
	}
	for _, p := range old {
		if !slices.Contains(now, p) {
			d.add(false, where, "the pattern %s is gone", p)
		}
	}
	for _, p := range now {
		if !slices.Contains(old, p) {
			d.add(w == in, where, "the pattern is %s now", p)
		}
	}
}

// patterns are all that a text has to be like, wherever they stand.
func (s *Schema) patterns() (all []string) {
	if s.Pattern != "" {
		all = append(all, s.Pattern)
	}
	for _, one := range s.AllOf {
		if one.onlyPattern() {
			all = append(all, one.Pattern)
		}
	}
	return all
}

func (s *Schema) onlyPattern() bool {
	return s.Pattern != "" && reflect.DeepEqual(*s, Schema{Pattern: s.Pattern})
}

// others are what else has to hold, beside patterns.
func (s *Schema) others() (all []*Schema) {
	for _, one := range s.AllOf {
		if !one.onlyPattern() {
			all = append(all, one)
		}
	}
	return all
}

func float(n *int) *float64 {
	if n == nil {
		return nil
	}
	return ptr(float64(*n))
}
