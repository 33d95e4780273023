// Command kachi is the Kachi server.
//
//	kachi serve --addr :3000
//
// Every flag is also an environment variable: --addr is KACHI_ADDR.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/alecthomas/kong"
)

// version is set by `make build`.
var version = "devel"

type commands struct {
	Serve   serve   `cmd:"" help:"Serve pages, API and Socket.IO."`
	Version showing `cmd:"" help:"Print the version."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go func() {
		<-ctx.Done()
		stop() // a second signal ends the process at once
	}()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run executes one command and returns the process's exit code: 0, 1 for a failure, 2
// for a mistake on the command line.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (code int) {
	var line commands
	exited := false
	parser, err := kong.New(&line,
		kong.Name("kachi"),
		kong.Description("Kachi is a realtime server that speaks Socket.IO."),
		kong.DefaultEnvars("KACHI"),
		kong.UsageOnError(),
		kong.Writers(stdout, stderr),
		kong.Exit(func(c int) { exited, code = true, c }), // after --help
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(&streams{stdout, stderr}),
	)
	if err != nil {
		fmt.Fprintln(stderr, "kachi:", err)
		return 1
	}
	parsed, err := parser.Parse(args)
	if exited {
		return code
	}
	if err != nil {
		fmt.Fprintf(stderr, "kachi: %v\nTry: kachi --help\n", err)
		return 2
	}
	if err := parsed.Run(); err != nil {
		fmt.Fprintln(stderr, "kachi:", err)
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
