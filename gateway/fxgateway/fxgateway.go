// Package fxgateway has gateways in applications of go.uber.org/fx:
//
//	fx.New(
//		fxgateway.Module(),
//		fx.Module("chat", fx.Provide(NewStore), fxgateway.AsGateway(NewChat)),
//		fx.Supply(gateway.Options{Validator: validate.New(nil)}, fxgateway.Config{Addr: ":3000"}),
//		fxgateway.Listen(), // last
//	).Run()
//
// A gateway is what a constructor returns, in a value group. Services and HTTP controllers
// are given the [*gateway.Hub], or a [gateway.Emitter], whatever they are needed by; it
// knows no gateway, so there are no cycles. Everything that is wrong with the gateways, or
// missing, is an error of [fx.App.Err] before anything starts.
package fxgateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"reflect"

	"go.uber.org/fx"

	"github.com/kachi-io/kachi/gateway"
)

// Module provides a [*gateway.Hub], as a [gateway.Emitter] too, and the [*gateway.App] of
// all gateways, which starts and stops with the application. [gateway.Options] are those
// that the application provides, or the defaults; their Hub is the one provided here.
//
// An application that has an HTTP server of its own mounts the app there, and leaves
// [Listen] out. What that server's constructor is given has started before it.
func Module() fx.Option {
	return fx.Module("gateway",
		fx.Provide(
			fx.Annotate(gateway.NewHub, fx.As(fx.Self()), fx.As(new(gateway.Emitter))),
			newApp,
			newServer,
		),
		fx.Invoke(func(*gateway.App) {}), // for its errors, where nobody asks for it
	)
}

// group is where gateways are.
const group = `group:"kachi.gateways"`

var gatewayType = reflect.TypeFor[gateway.Gateway]()

// AsGateway provides what a constructor returns to the app as a gateway. The constructor
// returns a [gateway.Gateway], or a type that embeds one: that can then be injected, too. An
// error may be its last result.
func AsGateway(constructor any, annotations ...fx.Annotation) fx.Option {
	t := reflect.TypeOf(constructor)
	if t == nil || t.Kind() != reflect.Func || t.NumOut() == 0 || !t.Out(0).Implements(gatewayType) {
		return fx.Error(fmt.Errorf("fxgateway: %v is no constructor of a gateway.Gateway", t))
	}
	grouped := fx.ResultTags(group)
	if t.Out(0) == gatewayType {
		return fx.Provide(fx.Annotate(constructor, append(annotations, grouped)...))
	}
	itself := reflect.MakeFunc(reflect.FuncOf([]reflect.Type{t.Out(0)}, []reflect.Type{gatewayType}, false), func(in []reflect.Value) []reflect.Value {
		return []reflect.Value{in[0].Convert(gatewayType)}
	})
	return fx.Provide(fx.Annotate(constructor, annotations...), fx.Annotate(itself.Interface(), grouped))
}

type parts struct {
	fx.In

	Lifecycle fx.Lifecycle
	Hub       *gateway.Hub
	Options   gateway.Options   `optional:"true"`
	Gateways  []gateway.Gateway `group:"kachi.gateways"`
}

func newApp(p parts) (*gateway.App, error) {
	if p.Options.Hub != nil && p.Options.Hub != p.Hub {
		return nil, errors.New("fxgateway: Options has another Hub than the one that is provided here: leave it out")
	}
	p.Options.Hub = p.Hub
	app, err := gateway.NewApp(&p.Options, p.Gateways...)
	if err != nil {
		return nil, err
	}
	p.Lifecycle.Append(fx.Hook{OnStart: app.Start, OnStop: app.Stop})
	return app, nil
}

// Config is how an application listens. It is provided by the application, or the default.
type Config struct {
	// Addr is the TCP address. Default ":3000".
	Addr string
	// Handler answers all requests, those of the app too. Default the app alone.
	Handler http.Handler
}

// Listen has the application answer requests, as [Config] says. Given as the last option of
// [fx.New], and not within a module, it listens when every OnStart hook has returned, and
// no more before the first OnStop hook is called: fx runs hooks in the order of the
// functions that are invoked, those of modules first. A server that breaks shuts the
// application down, with the exit code 1.
func Listen() fx.Option { return fx.Invoke(listen) }

// Server is the application's server. Its methods are safe for concurrent use once the
// application has started.
type Server struct {
	app    *gateway.App
	config Config

	addr   net.Addr
	stop   context.CancelFunc
	served chan error
}

type serving struct {
	fx.In

	App    *gateway.App
	Config Config `optional:"true"`
}

func newServer(p serving) *Server {
	if p.Config.Addr == "" {
		p.Config.Addr = ":3000"
	}
	return &Server{app: p.App, config: p.Config}
}

// Addr returns where the server listens, nil before it does.
func (s *Server) Addr() net.Addr { return s.addr }

func listen(lc fx.Lifecycle, s *Server, end fx.Shutdowner) {
	lc.Append(fx.Hook{
		OnStart: func(ctx context.Context) error {
			l, err := new(net.ListenConfig).Listen(ctx, "tcp", s.config.Addr)
			if err != nil {
				return err
			}
			s.begin(l, end)
			return nil
		},
		OnStop: func(ctx context.Context) error {
			s.stop()
			select {
			case err := <-s.served:
				return err
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		},
	})
}

func (s *Server) begin(l net.Listener, end fx.Shutdowner) {
	var ctx context.Context
	ctx, s.stop = context.WithCancel(context.Background())
	s.addr, s.served = l.Addr(), make(chan error, 1)
	go func() {
		err := s.app.Serve(ctx, l, s.config.Handler) // which has started
		if ctx.Err() == nil {
			s.app.Logger().Error("the server has broken", slog.Any("error", err))
			_ = end.Shutdown(fx.ExitCode(1)) // which nobody waits for where it has begun
		}
		s.served <- err
	}()
}
