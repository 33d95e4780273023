package asyncapi

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Change is a difference between two documents.
type Change struct {
	// Breaking says that clients written for the old document may fail with the new one:
	// what they send is refused, or what they get is not what they know.
	Breaking bool
	// Where is the namespace and what in it: "/chat", "/chat message: room".
	Where string
	Text  string
}

// String is the change as a line.
func (c Change) String() string {
	kind := "compatible"
	if c.Breaking {
		kind = "breaking"
	}
	return fmt.Sprintf("%-10s  %s: %s", kind, c.Where, c.Text)
}

// Breaking reports whether any of the changes is.
func Breaking(changes []Change) bool {
	return slices.ContainsFunc(changes, func(c Change) bool { return c.Breaking })
}

// Diff compares two documents, as clients see them: the names of types and the order of
// fields are no difference. Breaking changes come first, then the order is that of the
// namespaces. What servers send may break by its kinds of values, what may be missing and
// what is not there any more; tighter or wider limits of it do not count as breaking.
func Diff(before, after *Doc) []Change {
	d := &differ{before: before, after: after}
	olds, news := byAddress(before), byAddress(after)
	for _, address := range union(olds, news) {
		was, is := olds[address], news[address]
		switch {
		case is == nil:
			d.add(true, address, "the namespace is gone")
		case was == nil:
			d.add(false, address, "the namespace is new")
		default:
			d.space(address, was, is)
		}
	}
	slices.SortStableFunc(d.changes, func(a, b Change) int {
		switch {
		case a.Breaking == b.Breaking:
			return 0
		case a.Breaking:
			return -1
		}
		return 1
	})
	return d.changes
}

// space is a namespace's events, by what is done with them and their names.
type space map[string]*Operation

func byAddress(d *Doc) map[string]space {
	all := map[string]space{}
	for k, c := range d.Channels {
		events := space{}
		for _, o := range d.Operations {
			if o.Channel.Ref == "#/channels/"+k {
				events[o.Action+" "+o.Title] = o
			}
		}
		all[c.Address] = events
	}
	return all
}

func union[V any](a, b map[string]V) []string {
	names := maps.Clone(a)
	maps.Copy(names, b)
	return slices.Sorted(maps.Keys(names))
}

type differ struct {
	before, after *Doc
	changes       []Change
	comparing     map[[2]*Schema]bool
}

func (d *differ) add(breaking bool, where, format string, args ...any) {
	c := Change{breaking, where, fmt.Sprintf(format, args...)}
	if !slices.Contains(d.changes, c) {
		d.changes = append(d.changes, c)
	}
}

// way is which way values go: what is allowed to become wider, and what narrower.
type way bool

const (
	in  way = true  // clients send them: the new schema has to take what the old one took
	out way = false // the server sends them: the old schema has to take what the new one allows
)

func (d *differ) space(address string, olds, news space) {
	for _, name := range union(olds, news) {
		was, is := olds[name], news[name]
		action, event, _ := strings.Cut(name, " ")
		where := strings.TrimSpace(address + " " + event)
		switch {
		case is == nil && action == "receive":
			d.add(true, where, "the event is not taken any more")
		case is == nil:
			d.add(true, where, "the event is not sent any more")
		case was == nil && action == "receive":
			d.add(false, where, "the event is taken now")
		case was == nil:
			d.add(false, where, "the event is sent now")
		case action == "receive":
			d.message(in, where, d.before.message(was.Messages), d.after.message(is.Messages))
			d.reply(where+" (ack)", was, is)
			d.told(where, was, is)
		default:
			d.message(out, where+" (sent)", d.before.message(was.Messages), d.after.message(is.Messages))
			d.told(where, was, is)
		}
	}
}

// told compares what is said about an event.
func (d *differ) told(where string, was, is *Operation) {
	switch {
	case was.Deprecated == "" && is.Deprecated != "":
		d.add(false, where, "it is deprecated now: %s", is.Deprecated)
	case was.Deprecated != "" && is.Deprecated == "":
		d.add(false, where, "it is not deprecated any more")
	}
	if was.Description != is.Description {
		d.add(false, where, "the description changed")
	}
	switch {
	case was.Stream != is.Stream && was.Stream == "":
		d.add(true, where, "the result is a stream of %q now", is.Stream)
	case was.Stream != is.Stream && is.Stream == "":
		d.add(true, where, "the result is no stream of %q any more", was.Stream)
	case was.Stream != is.Stream:
		d.add(true, where, "the items are sent as %q and not as %q", is.Stream, was.Stream)
	}
	switch {
	case was.Idempotent != nil && is.Idempotent == nil:
		d.add(true, where, "it cannot be repeated safely any more")
	case was.Idempotent == nil && is.Idempotent != nil:
		d.add(false, where, "it can be repeated safely now")
	case is.Idempotent != nil && was.Idempotent.Key != is.Idempotent.Key:
		d.add(true, where, "what makes a call known when it is repeated is %q, and was %q", is.Idempotent.Key, was.Idempotent.Key)
	case is.Idempotent != nil && was.Idempotent.Window != is.Idempotent.Window:
		d.add(is.Idempotent.Window < was.Idempotent.Window, where, "it can be repeated within %v s, and not %v s", is.Idempotent.Window, was.Idempotent.Window)
	}
}

func (d *differ) reply(where string, was, is *Operation) {
	switch {
	case was.Reply == nil && is.Reply == nil:
	case is.Reply == nil:
		d.add(true, where, "there is no acknowledgement any more")
	case was.Reply == nil:
		d.add(false, where, "there is an acknowledgement now")
	default:
		d.message(out, where, d.before.message(was.Reply.Messages), d.after.message(is.Reply.Messages))
	}
}

// message finds the first message of a list; that of a reply's error comes second.
func (d *Doc) message(refs []Reference) *Message {
	if len(refs) == 0 {
		return &Message{Arguments: ArgumentsNone}
	}
	rest, _ := strings.CutPrefix(refs[0].Ref, "#/channels/")
	channel, name, _ := strings.Cut(rest, "/messages/")
	c := d.Channels[channel]
	if c == nil || c.Messages[name] == nil {
		return &Message{Arguments: ArgumentsNone}
	}
	m := c.Messages[name]
	if shared, ok := strings.CutPrefix(m.Ref, "#/components/messages/"); ok && d.Components.Messages[shared] != nil {
		return d.Components.Messages[shared]
	}
	return m
}

func (d *differ) message(w way, where string, was, is *Message) {
	switch {
	case was.Arguments != is.Arguments && is.Arguments == ArgumentsNone:
		d.add(w == out || was.Payload == nil || !was.Payload.takesNull(), where, "there is no argument any more")
	case was.Arguments != is.Arguments && was.Arguments == ArgumentsNone:
		optional := is.Arguments == ArgumentsList && (is.Payload.MinItems == nil || *is.Payload.MinItems == 0) || d.after.resolve(is.Payload).takesNull()
		d.add(w == in && !optional, where, "there is an argument now")
	case was.Arguments != is.Arguments:
		d.add(true, where, "the number of arguments changed")
	case was.Payload != nil && is.Payload != nil:
		d.comparing = map[[2]*Schema]bool{}
		d.schema(w, where, was.Payload, is.Payload)
	}
}

// resolve follows a reference.
func (d *Doc) resolve(s *Schema) *Schema {
	for range 10 {
		c := d.Components.Schemas[s.refName()]
		if c == nil {
			return s
		}
		s = c
	}
	return s
}

// plain is a schema without its alternative null, and whether it had one.
func (d *Doc) plain(s *Schema) (*Schema, bool) {
	s = d.resolve(s)
	plain := s.withoutNull()
	return d.resolve(plain), plain != s
}

// schema compares what values may be.
func (d *differ) schema(w way, where string, was, is *Schema) {
	pair := [2]*Schema{d.before.resolve(was), d.after.resolve(is)}
	if d.comparing[pair] {
		return
	}
	d.comparing[pair] = true
	was, oldNull := d.before.plain(was)
	is, newNull := d.after.plain(is)
	switch {
	case oldNull && !newNull && !is.anything():
		d.add(w == in, where, "it cannot be null any more")
	case newNull && !oldNull && !was.anything():
		d.add(w == out, where, "it can be null now")
	}
	if was.anything() != is.anything() {
		if is.anything() {
			d.add(w == out, where, "it can be anything now, not only %s", was.words())
		} else {
			d.add(w == in, where, "it was anything, and has to be %s now", is.words())
		}
		return
	}
	if !d.types(w, where, was, is) {
		return
	}
	if len(was.PrefixItems) != len(is.PrefixItems) {
		d.add(true, where, "there were %d arguments, and there are %d now", len(was.PrefixItems), len(is.PrefixItems))
		return
	}
	d.values(w, where, was, is)
	d.limits(w, where, was, is)
	d.object(w, where, was, is)
	d.array(w, where, was, is)
	d.patterns(w, where, was, is)
	for _, several := range [][2][]*Schema{{was.AnyOf, is.AnyOf}, {was.OneOf, is.OneOf}, {was.others(), is.others()}} {
		if !reflect.DeepEqual(several[0], several[1]) {
			d.add(true, where, "the alternatives changed")
		}
	}
}

// words is a schema in short.
func (s *Schema) words() string {
	if s.Attachment {
		return "binary"
	}
	return cmp.Or(strings.Join(s.Type, " or "), "something else")
}

// types compares the kinds of JSON; false when there is nothing more to compare.
func (d *differ) types(w way, where string, was, is *Schema) bool {
	if was.Attachment != is.Attachment {
		d.add(true, where, "it was %s and is %s now", was.words(), is.words())
		return false
	}
	wider, narrower := fits(was.Type, is.Type), fits(is.Type, was.Type)
	switch {
	case wider && narrower:
		return true
	case wider:
		d.add(w == out, where, "it was %s and can be %s now", was.words(), is.words())
		return true
	case narrower:
		d.add(w == in, where, "it was %s and has to be %s now", was.words(), is.words())
		return true
	}
	d.add(true, where, "it was %s and is %s now", was.words(), is.words())
	return false
}

// fits reports whether all of some types are among others.
func fits(some, others Types) bool {
	for _, t := range some {
		if !slices.Contains(others, t) && !(t == "integer" && slices.Contains(others, "number")) {
			return false
		}
	}
	return true
}

func (d *differ) object(w way, where string, was, is *Schema) {
	for _, p := range was.Properties {
		at, now := within(where, p.Name), is.Properties.Named(p.Name)
		if now == nil {
			d.add(true, at, "the field is gone")
			continue
		}
		before, after := slices.Contains(was.Required, p.Name), slices.Contains(is.Required, p.Name)
		switch {
		case before && !after:
			d.add(w == out, at, "it may be missing now")
		case after && !before:
			d.add(w == in, at, "it is required now")
		}
		d.schema(w, at, p.Schema, now)
	}
	for _, p := range is.Properties {
		if was.Properties.Named(p.Name) == nil {
			required := slices.Contains(is.Required, p.Name)
			text := "the field is new"
			if required && w == in {
				text = "the field is new, and required"
			}
			d.add(required && w == in, within(where, p.Name), "%s", text)
		}
	}
	old, now := was.AdditionalProperties, is.AdditionalProperties
	switch {
	case old != nil && now != nil && !old.never && !now.never:
		d.schema(w, within(where, "*"), old, now)
	case isMap(was) != isMap(is):
		d.add(true, where, "members of any name: that changed")
	}
	switch {
	case was.PropertyNames != nil && is.PropertyNames != nil:
		d.limits(w, where+" (names)", was.PropertyNames, is.PropertyNames)
		d.patterns(w, where+" (names)", was.PropertyNames, is.PropertyNames)
		d.values(w, where+" (names)", was.PropertyNames, is.PropertyNames)
	case was.PropertyNames == nil && is.PropertyNames != nil:
		d.add(w == in, where, "the members' names have a rule now")
	case was.PropertyNames != nil:
		d.add(false, where, "the members' names have no rule any more")
	}
}

// isMap reports whether a schema is that of a map, as opposed to a struct's.
func isMap(s *Schema) bool { return s.AdditionalProperties != nil && !s.AdditionalProperties.never }

// within is the place of a part: "/chat message: items[].name".
func within(where, part string) string {
	switch {
	case !strings.Contains(where, ": "):
		return where + ": " + part
	case part[0] == '[':
		return where + part
	}
	return where + "." + part
}

func (d *differ) array(w way, where string, was, is *Schema) {
	for i := range was.PrefixItems {
		d.schema(w, within(where, fmt.Sprintf("[%d]", i)), was.PrefixItems[i], is.PrefixItems[i])
	}
	if was.Items != nil && is.Items != nil {
		d.schema(w, within(where, "[]"), was.Items, is.Items)
	}
}
