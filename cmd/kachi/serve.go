package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/alecthomas/kong"
	"golang.org/x/term"

	"github.com/kachi-io/kachi/app/account"
	"github.com/kachi-io/kachi/app/certificates"
	"github.com/kachi-io/kachi/app/config"
	"github.com/kachi-io/kachi/app/demo"
	"github.com/kachi-io/kachi/app/server"
)

// serve has the settings of app/config as its flags.
type serve struct {
	kong.Plugins
	PrintConfig bool `env:"-" group:"Where settings come from" help:"Print all settings and where each comes from, secrets hidden, and end."`
}

func newServe() serve { return serve{Plugins: kong.Plugins{newFlags()}} }

// Run serves until ctx ends.
func (s *serve) Run(ctx context.Context, std *streams) error {
	settings, err := config.Load(config.Sources{Flags: given(s.Plugins[0]), Env: os.LookupEnv})
	if err != nil {
		return err
	}
	if s.PrintConfig {
		return settings.Print(std.out)
	}
	log := logger(std.err, settings)
	for _, warning := range settings.Warnings() {
		log.Warn(warning)
	}
	secure, err := newTLS(settings, log)
	if err != nil {
		return err
	}
	defer secure.follow()()
	var services []string
	for _, token := range settings.ServiceToken {
		services = append(services, string(token))
	}
	app, err := server.New(ctx, &server.Options{
		Data:               settings.Data,
		Database:           string(settings.Database),
		Secret:             string(settings.JWTSecret),
		ServiceTokens:      services,
		AccessLifetime:     settings.AccessTokenLifetime,
		RefreshLifetime:    settings.RefreshTokenLifetime,
		ClosedRegistration: settings.Registration == "closed",
		DashboardRole:      account.Role(settings.DashboardRole),
		Demo:               settings.Demo,
		Version:            version,

		AllowedOrigins:  settings.AllowedOrigins,
		TrustedProxies:  settings.TrustedProxies,
		MaxConnections:  settings.MaxConnections,
		MaxPerAddress:   settings.MaxPerAddress,
		MaxPayload:      settings.MaxPayload,
		PingInterval:    settings.PingInterval,
		PingTimeout:     settings.PingTimeout,
		Static:          settings.Static,
		MapTiles:        settings.MapTiles,
		MapCredit:       settings.MapCredit,
		DrainDelay:      settings.DrainDelay,
		ShutdownTimeout: settings.ShutdownTimeout,
		Logger:          log,

		SocketsApart:   settings.SocketAddr != "",
		SocketURL:      settings.SocketURL,
		TLS:            secure.config,
		Challenges:     secure.challenges,
		PrivateMetrics: settings.Metrics == "private",
	})
	if err != nil {
		return err
	}
	at, err := listen(settings)
	if err != nil {
		return errors.Join(err, app.Close())
	}
	if err := s.greet(ctx, std.out, settings, app, at); err != nil {
		for _, l := range []net.Listener{at.Main, at.Sockets, at.Private, at.Redirect} {
			if l != nil {
				err = errors.Join(err, l.Close())
			}
		}
		return errors.Join(err, app.Close())
	}
	// What starting took is more than resting does. Pools let go of it at the second time:
	// 8 MB of the migrations' alone.
	runtime.GC()
	debug.FreeOSMemory()
	return app.ServeAt(ctx, at)
}

// listen opens all addresses, or none.
func listen(settings *config.Loaded) (at server.Listeners, err error) {
	for _, one := range []struct {
		addr string
		to   *net.Listener
	}{
		{settings.Addr, &at.Main},
		{settings.SocketAddr, &at.Sockets},
		{settings.PrivateAddr, &at.Private},
		{settings.RedirectAddr, &at.Redirect},
	} {
		if one.addr == "" {
			continue
		}
		l, failed := net.Listen("tcp", one.addr)
		if failed != nil {
			err = errors.Join(err, failed)
			continue
		}
		*one.to = l
		defer func() {
			if err != nil {
				_ = l.Close()
			}
		}()
	}
	return at, err
}

// greet says where what is, to whoever has started the server.
func (s *serve) greet(ctx context.Context, out io.Writer, settings *config.Loaded, app *server.Server, at server.Listeners) error {
	scheme := "http"
	if settings.TLSCert != "" || len(settings.ACMEDomain) > 0 {
		scheme = "https"
	}
	var b strings.Builder
	fmt.Fprintln(&b, "Kachi is at", address(scheme, at.Main.Addr()))
	if at.Sockets != nil {
		fmt.Fprintln(&b, "Socket.IO is at", address(scheme, at.Sockets.Addr()))
	}
	if at.Private != nil {
		fmt.Fprintln(&b, "Metrics and profiles are at", address("http", at.Private.Addr()))
	}
	folder, err := filepath.Abs(settings.Data)
	if err != nil {
		folder = settings.Data
	}
	fmt.Fprintf(&b, "Data is in %s, the database is %s\n", folder, app.Database())
	if app.Sampled() {
		fmt.Fprintf(&b, "There are sample data: sign in as %s with the password %q\n", strings.Join(demo.Names, ", "), demo.Password)
	}
	nobody, err := app.Unclaimed(ctx)
	if err != nil {
		return err
	}
	if nobody {
		fmt.Fprintln(&b, "Nobody has an account yet: the first one that is made becomes the administrator's")
	}
	_, err = io.WriteString(out, b.String())
	return err
}

// secure is what TLS needs; all but the log is empty where there is none.
type secure struct {
	config     *tls.Config
	challenges func(http.Handler) http.Handler
	files      *certificates.Files // where the certificate comes from files
	log        *slog.Logger
}

func newTLS(settings *config.Loaded, log *slog.Logger) (secure, error) {
	switch {
	case settings.TLSCert != "":
		files, err := certificates.FromFiles(settings.TLSCert, settings.TLSKey, log)
		if err != nil {
			return secure{}, fmt.Errorf("%s, %s: %w", settings.TLSCert, settings.TLSKey, err)
		}
		return secure{files.TLS(), nil, files, log}, nil
	case len(settings.ACMEDomain) > 0:
		acme := certificates.FromACME(certificates.ACMEOptions{
			Domains:   settings.ACMEDomain,
			Email:     settings.ACMEEmail,
			Folder:    filepath.Join(settings.Data, "acme"),
			Directory: settings.ACMEDirectory,
			Logger:    log,
		})
		return secure{acme.TLS(), acme.Challenges, nil, log}, nil
	}
	return secure{log: log}, nil
}

func logger(w io.Writer, settings *config.Loaded) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(settings.LogLevel)) // one of those that there are
	options := &slog.HandlerOptions{Level: level}
	if settings.LogFormat == "json" || settings.LogFormat == "auto" && !isTerminal(w) {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// address is what to open in a browser.
func address(scheme string, a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "localhost"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}
