package asyncapi

import (
	"cmp"
	"fmt"
	"reflect"
	"regexp"
	"slices"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/socketio"
)

// errorName is the component of errors, as all namespaces answer them.
const errorName = "ErrorAnswer"

// builder makes a document.
type builder struct {
	info    Info
	doc     *Doc
	schemas *schemas
	keys    map[string]string // of channels, by address
	taken   map[string]bool   // by channels
	ids     map[string]bool   // of operations and messages
	inputs  []*Schema
	outputs []*Schema
}

// Document describes all gateways of an app. An error names each route or event whose type
// cannot be described.
func Document(app Registry, info Info) (*Doc, error) {
	b := &builder{info: info, keys: map[string]string{}, taken: map[string]bool{}, ids: map[string]bool{}}
	version := info.ClientVersion
	if v, has := app.(interface{ Versions() gateway.Versions }); has && version == 0 {
		version = v.Versions().Current
	}
	b.doc = &Doc{
		AsyncAPI:           "3.0.0",
		Info:               DocInfo{cmp.Or(info.Title, "API"), cmp.Or(info.Version, "0.0.0"), info.Description, version},
		Servers:            info.Servers,
		DefaultContentType: "application/json",
		Channels:           map[string]*Channel{},
		Operations:         map[string]*Operation{},
	}
	routes, events := app.Routes(), app.Events()
	if version > 0 {
		routes = slices.DeleteFunc(slices.Clone(routes), func(r gateway.RouteInfo) bool { return r.Since > version })
		events = slices.DeleteFunc(slices.Clone(events), func(e gateway.EventInfo) bool { return e.Since > version })
	}
	routes, events = slices.Clone(routes), slices.Clone(events)
	slices.SortStableFunc(routes, func(x, y gateway.RouteInfo) int {
		return cmp.Or(cmp.Compare(x.Namespace, y.Namespace), cmp.Compare(x.Event, y.Event), y.Since-x.Since)
	})
	slices.SortStableFunc(events, func(x, y gateway.EventInfo) int {
		return cmp.Or(cmp.Compare(x.Namespace, y.Namespace), cmp.Compare(x.Event, y.Event), y.Since-x.Since)
	})
	// Of several handlers of an event, clients have the newest.
	routes = slices.CompactFunc(routes, func(x, y gateway.RouteInfo) bool { return x.Namespace == y.Namespace && x.Event == y.Event })
	events = slices.CompactFunc(events, func(x, y gateway.EventInfo) bool { return x.Namespace == y.Namespace && x.Event == y.Event })
	b.schemas = newSchemas(info.NullSlices, types(routes, events))
	b.error()
	for _, r := range routes {
		b.receive(r)
	}
	for _, e := range events {
		b.send(e)
	}
	if err := b.schemas.err(); err != nil {
		return nil, err
	}
	b.schemas.close(b.inputs, b.outputs)
	b.doc.Components.Schemas = b.schemas.components
	return b.doc, nil
}

// types are all that payloads are made of.
func types(routes []gateway.RouteInfo, events []gateway.EventInfo) (all []reflect.Type) {
	add := func(t reflect.Type) {
		shape := gateway.ShapeOf(t)
		all = append(all, shape.Args...)
		if shape.Rest != nil {
			all = append(all, shape.Rest)
		}
	}
	for _, r := range routes {
		add(r.Input)
		add(r.Result)
	}
	for _, e := range events {
		add(e.Data)
	}
	return all
}

// error adds what all errors look like.
func (b *builder) error() {
	s := b.schemas.object(reflect.TypeFor[socketio.ErrorBody]())
	s.Description = "What is answered when something went wrong."
	for _, p := range s.Properties {
		switch p.Name {
		case "status":
			p.Schema.Const = "error"
		case "code":
			p.Schema.Description = "For programs: unauthorized, forbidden, not_found, bad_request, invalid, conflict, timeout, rate_limited, overloaded, internal, or one of the application's own."
		case "message":
			p.Schema.Description = "For people."
		case "details":
			p.Schema.Description = "More about it: a list of {path, rule, param, message} for the code invalid."
		case "cause":
			p.Schema.Description = "The event that it is about."
		}
	}
	b.schemas.components[errorName] = s
	b.doc.Components.Messages = map[string]*Message{errorName: {
		Name: "error", Title: "Error", Payload: &Schema{Ref: schemaRef + errorName},
	}}
}

// channel returns the key and the channel of a namespace.
func (b *builder) channel(namespace string) (string, *Channel) {
	if k, known := b.keys[namespace]; known {
		return k, b.doc.Channels[k]
	}
	k := unique(key(namespace), b.taken)
	c := &Channel{Address: namespace, Messages: map[string]*Message{
		"error": {Ref: "#/components/messages/" + errorName},
	}}
	for _, name := range parameters(namespace) {
		if c.Parameters == nil {
			c.Parameters = map[string]Parameter{}
		}
		c.Parameters[name] = Parameter{}
	}
	b.keys[namespace], b.doc.Channels[k] = k, c
	b.operation(namespace, "send", "exception", &Operation{
		Description: "What went wrong with an event for which the client asked for no acknowledgement.",
	}, &Message{Payload: &Schema{Ref: schemaRef + errorName}})
	return k, c
}

var parameter = regexp.MustCompile(`\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// parameters are the names in a pattern's braces; doubled ones stand for themselves.
func parameters(pattern string) (names []string) {
	for _, found := range parameter.FindAllStringSubmatch(pattern, -1) {
		if found[1] != "" {
			names = append(names, found[1])
		}
	}
	return names
}

func reference(format string, args ...any) Reference { return Reference{fmt.Sprintf(format, args...)} }

// operation adds an event with its message, and returns the message's key.
func (b *builder) operation(namespace, action, event string, o *Operation, m *Message) string {
	k, c := b.channel(namespace)
	id := unique(k+"."+action+"."+key(event), b.ids)
	name := id[len(k)+1:]
	m.Name, m.Title = event, event
	o.Action, o.Title = action, event
	o.Channel = reference("#/channels/%s", k)
	o.Messages = []Reference{reference("#/channels/%s/messages/%s", k, name)}
	c.Messages[name], b.doc.Operations[id] = m, o
	return name
}

func (b *builder) receive(r gateway.RouteInfo) {
	failed := len(b.schemas.errs)
	o := &Operation{Description: r.Description, Deprecated: r.Deprecated, Since: r.Since}
	if r.Idempotent > 0 {
		o.Idempotent = &Idempotent{Key: r.KeyMember, Window: r.Idempotent.Seconds()}
	}
	if r.Deprecated != "" {
		o.Tags = []Tag{{"deprecated"}}
	}
	if r.Item != nil {
		o.Stream = r.Item.Event
	}
	if b.info.Internals {
		o.Source, o.Layers = r.Source, r.Chain
	}
	k, c := b.channel(r.Namespace)
	message, answer := b.message(r.Input), b.message(r.Result)
	b.inputs, b.outputs = append(b.inputs, payload(message)), append(b.outputs, payload(answer))
	message.Description = r.Description
	name := b.operation(r.Namespace, "receive", r.Event, o, message)
	answer.Name, answer.Title = r.Event, "Acknowledgement of "+r.Event
	c.Messages[name+".reply"] = answer
	o.Reply = &Reply{Channel: o.Channel, Messages: []Reference{
		reference("#/channels/%s/messages/%s.reply", k, name),
		reference("#/channels/%s/messages/error", k),
	}}
	b.blame(failed, r.Namespace, r.Event, r.Source)
}

func (b *builder) send(e gateway.EventInfo) {
	failed := len(b.schemas.errs)
	o := &Operation{Description: e.Description, Since: e.Since}
	if b.info.Internals {
		o.Source = e.Source
	}
	message := b.message(e.Data)
	message.Description = e.Description
	b.outputs = append(b.outputs, payload(message))
	b.operation(e.Namespace, "send", e.Event, o, message)
	b.blame(failed, e.Namespace, e.Event, e.Source)
}

// blame says which registration the new errors are about.
func (b *builder) blame(from int, namespace, event, source string) {
	for i := from; i < len(b.schemas.errs); i++ {
		b.schemas.errs[i] = fmt.Errorf("%s: namespace %q: event %q: %w", source, namespace, event, b.schemas.errs[i])
	}
}

// message is a message of a type's shape.
func (b *builder) message(t reflect.Type) *Message {
	shape := gateway.ShapeOf(t)
	switch {
	case shape.Rest == nil && len(shape.Args) == 0:
		return &Message{Arguments: ArgumentsNone}
	case shape.Rest == nil && len(shape.Args) == 1:
		return &Message{Payload: b.schemas.of(shape.Args[0])}
	}
	s := &Schema{Type: Types{"array"}}
	for _, arg := range shape.Args {
		s.PrefixItems = append(s.PrefixItems, b.schemas.of(arg))
	}
	n := len(shape.Args)
	if shape.Rest != nil {
		s.Items = b.schemas.of(shape.Rest)
	} else {
		s.MaxItems = &n
	}
	if n > 0 {
		s.MinItems = &n
	}
	return &Message{Payload: s, Arguments: ArgumentsList}
}

func payload(m *Message) *Schema {
	if m.Payload == nil {
		return &Schema{}
	}
	return m.Payload
}
