// Package server puts the parts of the application together: the database, accounts, the
// gateways and the HTTP API, documents of both, the pages, and what tells an operator how
// it is.
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/kachi-io/kachi/app/account"
	"github.com/kachi-io/kachi/app/api"
	"github.com/kachi-io/kachi/app/chat"
	"github.com/kachi-io/kachi/app/dashboard"
	"github.com/kachi-io/kachi/app/docs"
	"github.com/kachi-io/kachi/app/document"
	"github.com/kachi-io/kachi/app/location"
	"github.com/kachi-io/kachi/app/notify"
	"github.com/kachi-io/kachi/app/pages"
	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/clientfiles"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/schedule"
	"github.com/kachi-io/kachi/gateway/validate"
	"github.com/kachi-io/kachi/socketio"
	"github.com/kachi-io/kachi/web"
)

// Options configures a [Server]. The zero value of each field is its default.
type Options struct {
	// Data is the folder of what the server keeps. Default "data".
	Data string
	// Database is a mysql:// URL. Default: an SQLite file in Data.
	Database string
	// Secret signs access tokens; it should have 32 bytes or more. Default: one that is made once, and kept
	// in Data.
	Secret string
	// ServiceTokens are what other services show to be let in. Default: none is let in.
	ServiceTokens []string
	// AccessLifetime and RefreshLifetime are those of [account.Options].
	AccessLifetime  time.Duration
	RefreshLifetime time.Duration
	// ClosedRegistration refuses new accounts, but for the first.
	ClosedRegistration bool

	// Demo fills a database without accounts with sample data.
	Demo bool

	// AllowedOrigins are other sites whose pages may connect, "https://host[:port]", or
	// "*" for all. Default: the server's own pages only.
	AllowedOrigins []string
	// TrustedProxies, MaxConnections, MaxPerAddress, MaxPayload, PingInterval and PingTimeout
	// are those of [socketio.Options], with the same defaults.
	TrustedProxies []netip.Prefix
	MaxConnections int
	MaxPerAddress  int
	MaxPayload     int
	PingInterval   time.Duration
	PingTimeout    time.Duration

	// DashboardRole is who may see the dashboard: all who are signed in, the default, or
	// administrators.
	DashboardRole account.Role

	// Static is a folder whose files are served in place of the server's own pages. Default
	// none.
	Static string
	// MapTiles is where pages get the map's tiles, a URL with {z}, {x} and {y}. Default none.
	MapTiles string
	// MapCredit is whose those tiles are, as the map says it. Default nothing.
	MapCredit string
	// SocketsApart has Socket.IO at [Listeners].Sockets alone. SocketURL is what pages are told
	// of where that is, "https://host[:port]". Default: the port of Sockets at the host name
	// that the pages are asked for at, or the pages' own address for those who come through a
	// trusted proxy.
	SocketsApart bool
	SocketURL    string
	// TLS is what Main and Sockets of [Listeners] speak. Default: no TLS.
	TLS *tls.Config
	// Challenges answers what an authority asks for at [Listeners].Redirect before it gives
	// a certificate, and leaves the rest to next. Default: nothing is asked there.
	Challenges func(next http.Handler) http.Handler
	// PrivateMetrics has /metrics at [Listeners].Private alone.
	PrivateMetrics bool

	// ReadTimeout is how long a client may take to send a request's body, WriteTimeout how long
	// to read each 64 KiB of an answer. Polls and WebSocket have time-outs of their own.
	// Default 30 s and 1 min.
	ReadTimeout  time.Duration
	WriteTimeout time.Duration
	// DrainDelay is how long the server goes on as before when it is told to stop, but for
	// /readyz, which says so. Default none.
	DrainDelay time.Duration
	// ShutdownTimeout bounds how long requests and connections may take to end.
	// Default 10 s.
	ShutdownTimeout time.Duration
	// Version is the program's, as the documents tell it.
	Version string
	// Logger gets what an operator should know. Default none.
	Logger *slog.Logger
}

// Server is the application.
type Server struct {
	opts     Options
	log      *slog.Logger
	db       *store.DB
	accounts *account.Accounts
	tidying  *schedule.Job
	app      *gateway.App
	api      *api.API
	docs     *docs.Docs
	figures  *figures
	handler  http.Handler // at Main
	sockets  http.Handler // at Sockets
	private  http.Handler // at Private
	sampled  bool         // sample data were added
	stopping atomic.Bool
	ports    struct{ main, sockets atomic.Uint32 } // where this server listens; 0 as long as it does not
}

// New builds the application and opens its database. An error says what is wrong with the
// options, or that the program was put together without its pages' folder. A server that
// was made is closed by [Server.Serve], or by [Server.Close] where it never serves.
func New(ctx context.Context, o *Options) (*Server, error) {
	s := &Server{}
	if o != nil {
		s.opts = *o
	}
	if s.opts.Data == "" {
		s.opts.Data = "data"
	}
	if s.opts.ShutdownTimeout == 0 {
		s.opts.ShutdownTimeout = 10 * time.Second
	}
	if s.opts.ReadTimeout == 0 {
		s.opts.ReadTimeout = 30 * time.Second
	}
	if s.opts.WriteTimeout == 0 {
		s.opts.WriteTimeout = time.Minute
	}
	s.log = s.opts.Logger
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.log = slog.New(traced{s.log.Handler()})
	site, err := s.site()
	if err != nil {
		return nil, err
	}
	if s.db, err = store.Open(ctx, s.source(), &store.Options{Logger: s.log}); err != nil {
		return nil, err
	}
	if err := s.assemble(); err != nil {
		return nil, errors.Join(err, s.db.Close())
	}
	if s.opts.Demo {
		if err := s.fill(ctx); err != nil {
			return nil, errors.Join(err, s.db.Close())
		}
	}
	s.route(site)
	return s, nil
}

// assemble makes the parts: services, then the gateways on top of them, then the app, then
// the API, whose guards are the app's.
func (s *Server) assemble() error {
	secret, err := s.secret()
	if err != nil {
		return err
	}
	s.accounts, err = account.New(s.db, account.Options{
		Secret:          secret,
		AccessLifetime:  s.opts.AccessLifetime,
		RefreshLifetime: s.opts.RefreshLifetime,
		Closed:          s.opts.ClosedRegistration,
		Logger:          s.log,
	})
	if err != nil {
		return err
	}
	hub := gateway.NewHub()
	parts := s.parts(hub)
	gateways := make([]gateway.Gateway, len(parts))
	var handled []func(*gateway.Call, time.Duration, error)
	for i, p := range parts {
		gateways[i] = p.Gateway(s.accounts.Authenticator())
		if p, ok := p.(watcher); ok {
			handled = append(handled, p.Handled)
		}
	}
	options := &gateway.Options{
		Socket: socketio.Options{
			AllowedOrigins: s.opts.AllowedOrigins,
			TrustedProxies: s.opts.TrustedProxies,
			MaxConnections: s.opts.MaxConnections,
			MaxPerAddress:  s.opts.MaxPerAddress,
			MaxPayload:     s.opts.MaxPayload,
			PingInterval:   s.opts.PingInterval,
			PingTimeout:    s.opts.PingTimeout,
			ClientFiles:    clientfiles.FS(),
			Logger:         s.log,
		},
		Hub:         hub,
		Handled:     handled,
		Validator:   validate.New(nil),
		Revocations: s.db.Revocations(),
		// What is taken back has to stay so for as long as it would be good.
		TokenLifetime: s.accounts.AccessLifetime(),
		Logger:        s.log,
	}
	if s.opts.SocketsApart {
		if err := s.admitPages(&options.Socket); err != nil {
			return err
		}
	}
	s.figures = newFigures(s.db)
	s.figures.calls.Watch(options)
	s.app, err = gateway.NewApp(options, gateways...)
	if err != nil {
		return err
	}
	s.figures.calls.Server(s.app.Server())
	// Every node of a database does it: twice does no harm.
	s.tidying = schedule.Every(time.Hour, s.tidy, schedule.Options{Name: "forget what has expired", Jitter: 5 * time.Minute, Timeout: time.Minute})
	if err := schedule.With(s.app, s.tidying); err != nil {
		return err
	}
	s.accounts.SetRevoker(s.app)

	s.api = api.New(api.Options{
		Version:        s.opts.Version,
		AllowedOrigins: s.opts.AllowedOrigins,
		BodyTimeout:    s.opts.ReadTimeout,
		Protect:        s.protect,
		Failed:         s.failed,
	})
	s.accounts.Routes(s.api)
	for _, p := range parts {
		p.Routes(s.api)
		if p, ok := p.(interface{ Jobs() []*schedule.Job }); ok {
			if err := schedule.With(s.app, p.Jobs()...); err != nil {
				return err
			}
		}
		if p, ok := p.(starter); ok {
			s.app.OnStart(fmt.Sprintf("%T", p), p.Start, p.Stop)
		}
	}
	s.docs = docs.New(s.api, s.app, s.opts.Version)
	return nil
}

// failed logs what went wrong in a route and was not the caller's fault.
func (s *Server) failed(ctx context.Context, route string, err error) {
	attrs := []any{"route", route, "error", err}
	if panicked := (*socketio.PanicError)(nil); errors.As(err, &panicked) {
		attrs = append(attrs, "stack", string(panicked.Stack))
	}
	s.log.ErrorContext(ctx, "api: a route failed", attrs...)
}

// tidied is how many sign-ins go at once: others wait no longer than for that.
const tidied = 500

// tidy removes sign-ins and revocations whose time is over.
func (s *Server) tidy(ctx context.Context) error {
	for ctx.Err() == nil {
		if more, err := s.db.DropExpired(ctx, time.Now(), tidied); err != nil || !more {
			return err
		}
	}
	return context.Cause(ctx)
}

// Database says of which kind and version the database is.
func (s *Server) Database() string { return s.db.Kind() }

// Unclaimed reports whether nobody has an account yet: the first is an administrator's.
func (s *Server) Unclaimed(ctx context.Context) (bool, error) {
	first, err := s.db.FindUsers(ctx, "", 1)
	return err == nil && len(first) == 0, err
}

// Sampled reports whether this start has added sample data.
func (s *Server) Sampled() bool { return s.sampled }

// part is one thing that the application does: a namespace, and routes of the HTTP API.
type part interface {
	Gateway(auth gateway.Authenticator[account.User]) gateway.Gateway
	Routes(a *api.API)
}

// starter is a part that does something of its own accord, from before the server listens
// until its last client has gone.
type starter interface {
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
}

// watcher is a part that is told of every event that was handled.
type watcher interface {
	Handled(c *gateway.Call, took time.Duration, err error)
}

// parts makes the parts, which send events with the hub.
func (s *Server) parts(hub *gateway.Hub) []part {
	notices := notify.New(s.db, hub, notify.Options{Logger: s.log})
	return []part{
		chat.New(s.db, hub, chat.Options{Notices: notices, Logger: s.log}),
		location.New(s.db, hub, location.Options{Logger: s.log}),
		notices,
		dashboard.New(hub, dashboard.Options{Role: s.opts.DashboardRole, Version: s.opts.Version, Database: s.db.Kind()}),
		document.New(s.db, hub, document.Options{Logger: s.log}),
	}
}

// protect has requests of the API pass what each [api.Access] asks for.
func (s *Server) protect(access api.Access, use []gateway.Layer) func(http.Handler) http.Handler {
	switch access {
	case api.Public:
		return gateway.Protect(s.app, gateway.Anyone, use...)
	case api.Admin:
		return gateway.Protect(s.app, s.accounts.Authenticator(), append([]gateway.Layer{account.IsAdmin}, use...)...)
	case api.Service:
		return gateway.Protect(s.app, account.Services(s.opts.ServiceTokens), use...)
	default:
		return gateway.Protect(s.app, s.accounts.Authenticator(), use...)
	}
}

// site is what is at "/".
func (s *Server) site() (http.Handler, error) {
	const notBuilt = "the pages are not built into this program: run `make build` in the project's folder"
	if s.opts.Static != "" {
		if err := s.exposed(); err != nil {
			return nil, err
		}
		if clientfiles.Version() == "" {
			s.log.Warn(notBuilt) // nor is the client script, which a page may want
		}
		return pages.Folder(s.opts.Static)
	}
	own, err := pages.New(web.Pages(), &pages.Options{Sockets: s.socketsOf, Tiles: s.opts.MapTiles, Credit: s.opts.MapCredit})
	if err != nil {
		return nil, err
	}
	if !own.Built() || clientfiles.Version() == "" {
		s.log.Warn(notBuilt)
	}
	return own, nil
}
