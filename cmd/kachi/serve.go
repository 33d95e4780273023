package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"

	"github.com/alecthomas/kong"

	"github.com/kachi-io/kachi/app/account"
	"github.com/kachi-io/kachi/app/config"
	"github.com/kachi-io/kachi/app/server"
)

// serve has the settings of app/config as its flags.
type serve struct {
	kong.Plugins
	PrintConfig bool `env:"-" group:"Where settings come from" help:"Print all settings and where each comes from, secrets hidden, and end."`
}

func newServe() serve { return serve{Plugins: kong.Plugins{newFlags()}} }

// unserved are the settings that the server does not know what to do with yet: whoever
// sets one is told so, and not left to believe in it.
var unserved = []string{
	"socket-addr", "private-addr", "metrics",
	"tls-cert", "tls-key", "acme-domain", "acme-email",
}

// Run serves until ctx ends.
func (s *serve) Run(ctx context.Context, std *streams) error {
	settings, err := config.Load(config.Sources{Flags: given(s.Plugins[0]), Env: os.LookupEnv})
	if err != nil {
		return err
	}
	var early []string
	for _, name := range unserved {
		if source := settings.Source(name); source != "" {
			early = append(early, fmt.Sprintf("%s (%s): this version does not have it yet", name, source))
		}
	}
	if early != nil {
		return &config.Error{Faults: early}
	}
	if s.PrintConfig {
		return settings.Print(std.out)
	}
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
		AnonymousChat:      true, // the page that is served has no accounts yet
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
		ShutdownTimeout: settings.ShutdownTimeout,
		Logger:          logger(std.err, settings),
	})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", settings.Addr)
	if err != nil {
		return errors.Join(err, app.Close())
	}
	if _, err := fmt.Fprintln(std.out, "Kachi is at", address(listener.Addr())); err != nil {
		return err
	}
	return app.Serve(ctx, listener)
}

func logger(w io.Writer, settings *config.Loaded) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(settings.LogLevel)) // one of those that there are
	options := &slog.HandlerOptions{Level: level}
	if settings.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// address is what to open in a browser.
func address(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}
