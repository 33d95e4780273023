package asyncapi

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
)

//go:embed page.html
var pageText string

//go:embed page.css
var pageStyle string

// PageStyle returns the style sheet of the page that [Handler] serves, for pages beside it. It
// has names for what documents consist of; see the page's own markup.
func PageStyle() string { return pageStyle }

// pageTemplate is parsed when somebody first looks: programs that serve no page import this, too.
var pageTemplate = sync.OnceValue(func() *template.Template { return template.Must(template.New("page").Parse(pageText)) })

// page is a document as people read it.
type page struct {
	Info       DocInfo
	Links      []Link
	Paragraphs []string
	Servers    []Server
	Style      template.CSS
	Short      bool // the contents are shown at once
	Namespaces []pageNamespace
	Types      []pageType
}

type pageNamespace struct {
	ID, Address string
	Taken, Sent []pageEvent
}

type pageEvent struct {
	ID, Name, Description, Deprecated, Stream, Repeatable, Source string
	Layers                                                        []string
	Arguments, Answer                                             []pageField
	Acknowledged                                                  bool
}

type pageType struct {
	ID, Name, Description string
	Fields                []pageField
	Type                  template.HTML
	Rules                 []string
}

type pageField struct {
	Name, Description string
	Type              template.HTML
	Rules             []string
	Required          bool
}

// html writes the page.
func (d *Doc) html(links []Link) ([]byte, error) {
	p := page{Info: d.Info, Links: links, Style: template.CSS(pageStyle)}
	for _, text := range strings.Split(d.Info.Description, "\n\n") {
		if text = strings.TrimSpace(text); text != "" {
			p.Paragraphs = append(p.Paragraphs, text)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.Servers)) {
		p.Servers = append(p.Servers, d.Servers[name])
	}
	w := &typescript{doc: d, names: map[string]string{}}
	for name := range d.Components.Schemas {
		w.names[name] = "\x02" + name + "\x03" // to become a link
	}
	for _, key := range slices.Sorted(maps.Keys(d.Channels)) {
		n := pageNamespace{ID: "namespace-" + key, Address: d.Channels[key].Address}
		for _, e := range w.events(key, "receive") {
			n.Taken = append(n.Taken, w.shown(key, e))
		}
		for _, e := range w.events(key, "send") {
			n.Sent = append(n.Sent, w.shown(key, e))
		}
		p.Namespaces = append(p.Namespaces, n)
	}
	for _, name := range slices.Sorted(maps.Keys(d.Components.Schemas)) {
		s := d.Components.Schemas[name]
		t := pageType{ID: "type-" + name, Name: name, Description: s.Description, Type: w.linked(w.typ(s, "")), Rules: s.told()}
		for _, f := range s.Properties {
			t.Fields = append(t.Fields, pageField{
				Name: f.Name, Description: f.Schema.Description, Type: w.linked(w.typ(f.Schema, "")), Rules: f.Schema.told(),
				Required: slices.Contains(s.Required, f.Name),
			})
		}
		p.Types = append(p.Types, t)
	}
	p.Short = len(d.Operations) <= 40
	var b bytes.Buffer
	err := pageTemplate().Execute(&b, p)
	return b.Bytes(), err
}

var linkMark = regexp.MustCompile("\x02([^\x03]*)\x03")

// linked makes links of the names in a type.
func (w *typescript) linked(typ string) template.HTML {
	escaped := template.HTMLEscapeString(typ) // which leaves the marks
	return template.HTML(linkMark.ReplaceAllStringFunc(escaped, func(mark string) string {
		name := mark[1 : len(mark)-1]
		return `<a href="#type-` + name + `">` + name + `</a>`
	}))
}

func (w *typescript) shown(key string, e event) pageEvent {
	id := e.o.Action + "-" + key + "-" + strange.ReplaceAllString(e.name, "-")
	if len(e.o.Messages) > 0 {
		id = key + "-" + strings.NewReplacer("/", "-", ".", "-").Replace(e.o.Messages[0].Ref[strings.LastIndexByte(e.o.Messages[0].Ref, '/')+1:])
	}
	shown := pageEvent{
		ID: id, Name: e.name, Description: e.o.Description, Deprecated: e.o.Deprecated, Stream: e.o.Stream,
		Source: e.o.Source, Layers: e.o.Layers, Acknowledged: e.answer != nil,
		Arguments: w.fields(w.doc.message(e.o.Messages), e.args),
	}
	if i := e.o.Idempotent; i != nil {
		shown.Repeatable = fmt.Sprintf("for %v s", i.Window)
		if i.Key != "" {
			shown.Repeatable += ", with an id that the client makes up in " + i.Key
		}
	}
	if e.answer != nil {
		shown.Answer = w.fields(w.doc.message(e.o.Reply.Messages), *e.answer)
	}
	return shown
}

// fields are the arguments of a message.
func (w *typescript) fields(m *Message, a arguments) (all []pageField) {
	names, _ := a.parameters()
	for i, t := range a.types {
		f := pageField{Name: names[i] + " argument", Type: w.linked(t)}
		if !a.list {
			f.Name, f.Rules = "argument", m.Payload.told()
		}
		if strings.HasPrefix(t, "...") {
			f.Name, f.Type = "any number of", w.linked(strings.TrimSuffix(t[3:], "[]"))
		}
		all = append(all, f)
	}
	return all
}

// told are a schema's rules in words.
func (s *Schema) told() (all []string) {
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	between := func(least, most *int, unit string) {
		switch {
		case least != nil && most != nil && *least == *most:
			say("%d %s", *least, unit)
		case least != nil && most != nil:
			say("%d to %d %s", *least, *most, unit)
		case least != nil && *least == 1:
			say("not empty")
		case least != nil && *least > 1:
			say("at least %d %s", *least, unit)
		case most != nil:
			say("at most %d %s", *most, unit)
		}
	}
	if slices.Contains(s.Type, "integer") {
		say("integer")
	}
	if s.Format != "" {
		say("%s", s.Format)
	}
	between(s.MinLength, s.MaxLength, "characters")
	between(s.MinItems, s.MaxItems, "items")
	between(s.MinProperties, s.MaxProperties, "members")
	for _, l := range []struct {
		sign string
		n    *float64
	}{{"≥", s.Minimum}, {">", s.ExclusiveMinimum}, {"≤", s.Maximum}, {"<", s.ExclusiveMaximum}} {
		if l.n != nil {
			say("%s %v", l.sign, *l.n)
		}
	}
	if s.Pattern != "" {
		say("like %s", s.Pattern)
	}
	if s.UniqueItems {
		say("all different")
	}
	if s.Not != nil && s.Not.Const != nil {
		say("not %s", literal(s.Not.Const))
	}
	if s.Default != nil {
		say("default %s", literal(s.Default))
	}
	if s.Rules != "" {
		say("%s", s.Rules)
	}
	return all
}
