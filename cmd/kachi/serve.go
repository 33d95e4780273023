package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"

	"github.com/kachi-io/kachi/app/server"
)

type serve struct {
	Addr           string   `default:":3000" placeholder:"HOST:PORT" help:"Where to listen. Default :3000."`
	AllowedOrigins []string `placeholder:"ORIGIN" help:"Other sites whose pages may connect, such as https://example.com; * for all. Default: the server's own pages."`
	Static         string   `placeholder:"DIR" help:"A folder whose files to serve in place of the server's own pages. Default: its own."`
	LogFormat      string   `default:"text" enum:"text,json" placeholder:"FORMAT" help:"How to write the log: text or json. Default text."`
	LogLevel       string   `default:"info" enum:"debug,info,warn,error" placeholder:"LEVEL" help:"The least level to log: debug, info, warn or error. Default info."`
}

// Run serves until ctx ends.
func (s *serve) Run(ctx context.Context, std *streams) error {
	app, err := server.New(&server.Options{
		AllowedOrigins: s.AllowedOrigins,
		Static:         s.Static,
		Logger:         s.logger(std.err),
	})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", s.Addr)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(std.out, "Kachi is at", address(listener.Addr())); err != nil {
		return err
	}
	return app.Serve(ctx, listener)
}

func (s *serve) logger(w io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(s.LogLevel)) // one of the enum above
	options := &slog.HandlerOptions{Level: level}
	if s.LogFormat == "json" {
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
