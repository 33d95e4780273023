package gateway

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/kachi-io/kachi/socketio"
)

// Layer is what stands around handlers: a [Guard], an [Interceptor] or a [Filter]. Layers
// are given to the whole app ([Options].Use), a namespace ([Namespace.Use]) or a route
// ([Route.Use]), and a call passes them from the outermost scope to the innermost, each
// scope in the order in which they were given: first all guards, then all interceptors;
// then the input is decoded and validated, the route authorizes, and the handler runs. An
// error then passes the filters, from the innermost scope to the outermost.
//
// Layers that packages make are ready, and one list takes all three kinds, so a plain function
// says which it is where it is used: gateway.Guard(admins), which also keeps its name in what
// [App.Routes] prints. [Namespace.Admit], which takes guards alone, and [Route.Authorize], which
// knows the principal and the input, take plain functions as they are.
type Layer interface {
	layer() string
}

// Guard lets a call pass, or refuses it by an error. It runs before anything was decoded.
type Guard func(c *Call) error

// Handler does what a call wants, and returns the result.
type Handler func(c *Call) (any, error)

// Interceptor stands around everything from decoding on: what it returns is called in the
// place of next, which it calls, or not. It is called once for each route, when the app is
// made.
type Interceptor func(next Handler) Handler

// Filter turns an error into the one that the client is told of; nil is no error any more,
// and the result is [None]. An error that it does not know it returns as it is.
type Filter func(c *Call, err error) error

func (g Guard) layer() string       { return functionName(g) }
func (i Interceptor) layer() string { return functionName(i) }
func (f Filter) layer() string      { return functionName(f) }

// Named gives a layer the name that it has when chains are printed: [App.Routes].
func Named(name string, l Layer) Layer { return named{l, name} }

type named struct {
	Layer
	name string
}

func (n named) layer() string { return n.name }

// functionName is a function's, without its package's path and the compiler's counting.
func functionName(f any) string {
	name := runtime.FuncForPC(reflect.ValueOf(f).Pointer()).Name()
	name = name[strings.LastIndexByte(name, '/')+1:]
	name = strings.TrimSuffix(name, "-fm") // a method value
	for {
		cut := strings.LastIndex(name, ".func")
		if cut < 0 || strings.Trim(name[cut+len(".func"):], "0123456789.") != "" {
			return strings.NewReplacer("(*", "", ")", "").Replace(name)
		}
		name = name[:cut]
	}
}

// none reports whether there is no layer, or a function that is none.
func none(l Layer) bool {
	return l == nil || reflect.ValueOf(l).Kind() == reflect.Func && reflect.ValueOf(l).IsNil()
}

// chain is what surrounds one route, made when the app is made.
type chain struct {
	guards  []Guard
	filters []Filter // innermost first
	handler Handler  // within all interceptors
	names   []string // of all layers, in the order in which calls pass them
}

// newChain puts the scopes' layers around a handler, the outermost scope first.
func newChain(handler Handler, scopes ...[]Layer) (*chain, error) {
	c := &chain{handler: handler}
	var interceptors []Interceptor
	var filters []Filter
	var guardNames, interceptorNames, filterNames []string
	for _, scope := range scopes {
		for _, l := range scope {
			if none(l) {
				return nil, errors.New("a layer is nil")
			}
			name := l.layer()
			for {
				n, ok := l.(named)
				if !ok {
					break
				}
				l = n.Layer
			}
			if none(l) {
				return nil, errors.New("a layer is nil")
			}
			switch l := l.(type) {
			case Guard:
				c.guards, guardNames = append(c.guards, l), append(guardNames, "guard "+name)
			case Interceptor:
				interceptors, interceptorNames = append(interceptors, l), append(interceptorNames, "interceptor "+name)
			case Filter:
				filters, filterNames = append(filters, l), append(filterNames, "filter "+name)
			default:
				return nil, fmt.Errorf("a layer is a %T", l)
			}
		}
	}
	for i := len(interceptors) - 1; i >= 0; i-- {
		if c.handler = interceptors[i](c.handler); c.handler == nil {
			return nil, fmt.Errorf("%s returns no handler", interceptorNames[i])
		}
	}
	for i := len(filters) - 1; i >= 0; i-- {
		c.filters = append(c.filters, filters[i])
	}
	c.names = append(append(guardNames, interceptorNames...), filterNames...)
	return c, nil
}

// run passes a call through all of it. A panic is an error like others: a
// [*socketio.PanicError].
func (ch *chain) run(c *Call) (out any, err error) {
	out, err = ch.through(c)
	for _, f := range ch.filters {
		if err == nil {
			return out, nil
		}
		out, err = None{}, filtered(f, c, err)
	}
	return out, err
}

func (ch *chain) through(c *Call) (out any, err error) {
	defer recovered(&err)
	for _, g := range ch.guards {
		if err := g(c); err != nil {
			return nil, err
		}
	}
	return ch.handler(c)
}

func filtered(f Filter, c *Call, was error) (err error) {
	defer recovered(&err)
	return f(c, was)
}

// recovered turns a panic into an error. It is to be deferred.
func recovered(err *error) {
	if v := recover(); v != nil {
		*err = &socketio.PanicError{Value: v, Stack: debug.Stack()}
	}
}
