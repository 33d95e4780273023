package gateway

import (
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// RouteInfo is what is known of an event that clients send.
type RouteInfo struct {
	Namespace   string // or pattern
	Event       string
	Description string
	Since       int          // version of the application's protocol, see [Versions]; 0: all
	Deprecated  string       // what to do instead; "" where it is not
	Input       reflect.Type // of the handler
	Result      reflect.Type
	Item        *EventInfo    // of a stream
	Chain       []string      // "guard …", "interceptor …", "filter …": as calls pass them
	Parallel    int           // calls of one socket at once, beside its other events; 0: none
	Idempotent  time.Duration // how long an answer is repeated; 0: never
	KeyMember   string        // of the input, in JSON: the id by which a repeated call is known; "" where it is no member
	Source      string        // file and line of the registration
}

// EventInfo is what is known of an event that the server sends.
type EventInfo struct {
	Namespace   string // or pattern
	Event       string
	Description string
	Since       int // version of the application's protocol, see [Versions]; 0: all
	Data        reflect.Type
	Source      string
}

// Routes tells all events that clients send, by namespace and in the order of registration.
func (a *App) Routes() []RouteInfo {
	var all []RouteInfo
	for _, s := range a.sorted() {
		for _, r := range s.routes {
			info := RouteInfo{
				Namespace: s.name, Event: r.event, Description: r.description, Since: r.since, Deprecated: r.deprecated,
				Input: r.in, Result: r.out, Chain: slices.Clone(r.chain.names), Parallel: r.parallel, Idempotent: r.window, KeyMember: r.keyMember, Source: r.source,
			}
			if r.stream != nil {
				item := r.stream.info(s)
				info.Item = &item
			}
			all = append(all, info)
		}
	}
	return all
}

// Events tells all events that the server sends.
func (a *App) Events() []EventInfo {
	var all []EventInfo
	for _, s := range a.sorted() {
		s.mu.RLock()
		for _, o := range s.emits {
			all = append(all, o.info(s))
		}
		s.mu.RUnlock()
	}
	return all
}

// WriteRoutes prints the events that clients send, a line each, with what their calls pass:
// for a program to say at its start, or behind a flag.
func (a *App) WriteRoutes(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	namespace := ""
	for _, r := range a.Routes() {
		if r.Namespace != namespace {
			namespace = r.Namespace
			fmt.Fprintln(t, namespace)
		}
		what := fmt.Sprintf("%s → %s", typeName(r.Input), typeName(r.Result))
		if r.Item != nil {
			what = fmt.Sprintf("%s → %s (%s)…", typeName(r.Input), r.Item.Event, typeName(r.Item.Data))
		}
		chain := strings.Join(r.Chain, " · ")
		if chain == "" {
			chain = "-"
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\n", r.Event, what, chain, r.Source[strings.LastIndexByte(r.Source, '/')+1:])
	}
	return t.Flush()
}

// typeName is a type's as one writes it in its package.
func typeName(t reflect.Type) string {
	name := t.String()
	if t.PkgPath() != "" && t.Name() != "" && !strings.Contains(name, "[") {
		name = t.Name()
	}
	return strings.ReplaceAll(name, "gateway.", "")
}

func (o *outgoing) info(s *space) EventInfo {
	return EventInfo{Namespace: s.name, Event: o.name, Description: o.description, Since: o.since, Data: o.data, Source: o.source}
}

func (a *App) sorted() []*space {
	all := make([]*space, 0, len(a.spaces))
	for _, s := range a.spaces {
		all = append(all, s)
	}
	slices.SortFunc(all, func(x, y *space) int { return strings.Compare(x.name, y.name) })
	return all
}

// Shape says how a type stands for the arguments of an event, or of an acknowledgement.
type Shape struct {
	Args []reflect.Type // one after the other
	Rest reflect.Type   // of any number more behind them; nil: none
}

// ShapeOf returns the shape of an input, a result or an event's data: one argument, unless
// the type is one that this package has for others ([None], [Args2], [Rest]). The result of
// a [Reply] is an empty acknowledgement.
func ShapeOf(t reflect.Type) Shape {
	if s, ok := reflect.Zero(t).Interface().(shaped); ok && t.Kind() != reflect.Pointer {
		return s.shape()
	}
	return Shape{Args: []reflect.Type{t}}
}

// shaped is a type that stands for another number of arguments than one.
type shaped interface{ shape() Shape }

func (None) shape() Shape { return Shape{} }

func (Args2[A, B]) shape() Shape {
	return Shape{Args: []reflect.Type{reflect.TypeFor[A](), reflect.TypeFor[B]()}}
}

func (Args3[A, B, C]) shape() Shape {
	return Shape{Args: []reflect.Type{reflect.TypeFor[A](), reflect.TypeFor[B](), reflect.TypeFor[C]()}}
}

func (Rest[T]) shape() Shape  { return Shape{Rest: reflect.TypeFor[T]()} }
func (Raw) shape() Shape      { return Shape{Rest: reflect.TypeFor[any]()} }
func (Reply[T]) shape() Shape { return Shape{} }
