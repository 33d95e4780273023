// Command kachi is the Kachi server, and a client to try it with.
//
//	kachi serve --addr :3000
//	kachi connect localhost:3000/chat
//	kachi spec diff asyncapi.json https://chat.example.com/docs/asyncapi.json
//	kachi new gateway chat
//
// Every flag is also an environment variable: --addr is KACHI_ADDR.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/alecthomas/kong"

	"github.com/kachi-io/kachi/app/config"
	"github.com/kachi-io/kachi/cmd/kachi/connect"
	"github.com/kachi-io/kachi/cmd/kachi/scaffold"
)

// version is set by `make build`.
var version = "devel"

type commands struct {
	Serve   serve            `cmd:"" help:"Serve pages, API and Socket.IO."`
	Connect connect.Command  `cmd:"" help:"Connect to a Socket.IO server, send events and see what comes."`
	New     scaffold.Command `cmd:"" help:"Write a gateway, or a project."`
	Spec    spec             `cmd:"" help:"Print what clients can send and get, and what changed in that."`
	Health  health           `cmd:"" help:"Ask a server how it is. The exit code is 1 when it is not well."`
	Version showing          `cmd:"" help:"Print the version."`
}

func main() {
	os.Exit(run(untilStopped(os.Stderr), os.Args[1:], connect.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}

// run executes one command and returns the process's exit code: 0, 1 for a failure, 2
// for a mistake on the command line or in the settings.
func run(ctx context.Context, args []string, std connect.Streams) (code int) {
	line := commands{Serve: newServe()}
	exited := false
	parser, err := kong.New(&line,
		kong.Name("kachi"),
		kong.Description("Kachi is a realtime server that speaks Socket.IO."),
		kong.DefaultEnvars("KACHI"),
		kong.UsageOnError(),
		kong.Writers(std.Out, std.Err),
		kong.Exit(func(c int) { exited, code = true, c }), // after --help
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(&streams{std.Out, std.Err}, &std),
		kong.BindTo(std.Out, (*io.Writer)(nil)),
	)
	if err != nil {
		fmt.Fprintln(std.Err, "kachi:", err)
		return 1
	}
	parsed, err := parser.Parse(args)
	if exited {
		return code
	}
	if err != nil {
		fmt.Fprintf(std.Err, "kachi: %v\nTry: kachi --help\n", err)
		return 2
	}
	err = parsed.Run()
	var (
		told  connect.Exit
		usage *connect.UsageError
		wrong *config.Error
	)
	switch {
	case errors.As(err, &told):
		return int(told)
	case errors.As(err, &usage):
		fmt.Fprintf(std.Err, "kachi: %v\nTry: kachi connect --help\n", err)
		return 2
	case errors.As(err, &wrong):
		fmt.Fprintf(std.Err, "kachi: %v\nTry: kachi serve --help\n", err)
		return 2
	case err != nil:
		fmt.Fprintln(std.Err, "kachi:", err)
		return 1
	}
	return 0
}

// streams are where a command writes.
type streams struct{ out, err io.Writer }

type showing struct{}

func (showing) Run(s *streams) error {
	_, err := fmt.Fprintf(s.out, "kachi %s (%s, %s/%s)\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
