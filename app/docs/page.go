package docs

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"html/template"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/kachi-io/kachi/app/api"
	"github.com/kachi-io/kachi/gateway/asyncapi"
)

//go:embed http.html
var httpText string

//go:embed index.html
var indexText string

var (
	httpTemplate  = parsed("http", httpText)
	indexTemplate = parsed("index", indexText)
)

// parsed parses a template when it is first used.
func parsed(name, text string) func() *template.Template {
	return sync.OnceValue(func() *template.Template { return template.Must(template.New(name).Parse(text)) })
}

// httpPage is the OpenAPI document as people read it.
type httpPage struct {
	Title, Version string
	Paragraphs     []template.HTML
	Style          template.CSS
	Short          bool // the contents are shown at once
	Chapters       []chapter
	Types          []shownType
}

type chapter struct {
	ID, Name string
	Routes   []shownRoute
}

type shownRoute struct {
	ID, Method, Path, Summary, Access string
	Paragraphs                        []template.HTML
	Deprecated                        bool
	Parameters                        []field
	Body                              *field
	Answers                           []answer
}

type field struct {
	Name, Place, Description string
	Type                     template.HTML
	Rules                    []string
	Optional                 bool
}

type answer struct {
	Status, Description string
	Type                template.HTML
	Fields              []field
}

type shownType struct {
	ID, Name, Description string
	Type                  template.HTML
	Fields                []field
}

var access = map[api.Access]string{
	api.User:    "who is signed in",
	api.Admin:   "administrators",
	api.Service: "services, with their token",
}

// read makes the page's content of a document; routes give the order, and who may call.
func read(text []byte, routes []api.Route) (*httpPage, error) {
	var d document
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, err
	}
	p := &httpPage{Title: d.Info.Title, Version: d.Info.Version, Paragraphs: paragraphs(d.Info.Description), Style: template.CSS(asyncapi.PageStyle())}
	p.Short = len(routes) <= 20
	at := map[string]int{}
	for _, r := range routes {
		op := d.Paths[strings.ReplaceAll(r.Path, "...}", "}")][strings.ToLower(r.Method)]
		if op == nil {
			continue
		}
		i, known := at[r.Tag]
		if !known {
			i = len(p.Chapters)
			at[r.Tag] = i
			p.Chapters = append(p.Chapters, chapter{ID: "chapter-" + strings.ReplaceAll(r.Tag, " ", "-"), Name: r.Tag})
		}
		p.Chapters[i].Routes = append(p.Chapters[i].Routes, shown(r, op))
	}
	for _, name := range slices.Sorted(maps.Keys(d.Components.Schemas)) {
		s := d.Components.Schemas[name]
		p.Types = append(p.Types, shownType{ID: "type-" + name, Name: name, Description: s.Description, Type: linked(s.text(1)), Fields: s.fields()})
	}
	return p, nil
}

func shown(r api.Route, op *operation) shownRoute {
	s := shownRoute{
		ID: op.ID, Method: r.Method, Path: r.Path, Summary: op.Summary,
		Access: access[r.Access], Deprecated: op.Deprecated,
	}
	// A description goes on where the summary ends: "Sign in", "and stay so. …".
	all := op.Summary
	if first, _ := utf8.DecodeRuneInString(op.Description); unicode.IsLower(first) {
		all += " "
	} else {
		all += "\n\n"
	}
	s.Paragraphs = paragraphs(all + op.Description)
	for _, p := range op.Parameters {
		s.Parameters = append(s.Parameters, field{p.Name, p.In, p.Description, linked(p.Schema.text(1)), p.Schema.rules(), !p.Required})
	}
	if body := op.Body.schema(); body != nil {
		s.Body = &field{Type: linked(body.text(2)), Rules: body.rules(), Optional: !op.Body.Required}
	}
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		a := answer{Status: status, Description: op.Responses[status].Description}
		if status == "default" {
			a.Status = "error"
		}
		if body := op.Responses[status].schema(); body != nil {
			a.Type = linked(body.text(2))
		}
		for _, name := range slices.Sorted(maps.Keys(op.Responses[status].Headers)) {
			h := op.Responses[status].Headers[name]
			a.Fields = append(a.Fields, field{Name: name, Place: "header", Description: h.Description, Type: linked(h.Schema.text(1))})
		}
		s.Answers = append(s.Answers, a)
	}
	return s
}

func (s *schema) fields() (all []field) {
	for _, name := range s.names() {
		f := s.Properties[name]
		all = append(all, field{name, "", f.Description, linked(f.text(1)), f.rules(), !slices.Contains(s.Required, name)})
	}
	return all
}

var code = regexp.MustCompile("`([^`]+)`")

// paragraphs writes text with paragraphs and `code`: what there is of Markdown.
func paragraphs(text string) (all []template.HTML) {
	for _, p := range strings.Split(text, "\n\n") {
		if p = strings.TrimSpace(p); p != "" {
			all = append(all, template.HTML(code.ReplaceAllString(template.HTMLEscapeString(p), "<code>$1</code>")))
		}
	}
	return all
}

// index is the page that leads to both documents.
type index struct {
	*httpPage
	Namespaces []namespace
}

type namespace struct {
	ID, Address string
	Taken, Sent []string
}

func namespacesOf(doc *asyncapi.Doc) (all []namespace) {
	for _, key := range slices.Sorted(maps.Keys(doc.Channels)) {
		n := namespace{ID: "namespace-" + key, Address: doc.Channels[key].Address}
		for _, name := range slices.Sorted(maps.Keys(doc.Operations)) {
			op := doc.Operations[name]
			if op.Channel.Ref != "#/channels/"+key {
				continue
			}
			if op.Action == "receive" {
				n.Taken = append(n.Taken, op.Title)
			} else {
				n.Sent = append(n.Sent, op.Title)
			}
		}
		all = append(all, n)
	}
	return all
}

func write(t *template.Template, data any) ([]byte, error) {
	var b bytes.Buffer
	err := t.Execute(&b, data)
	return b.Bytes(), err
}
