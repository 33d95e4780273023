package connect

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/kachi-io/kachi/client"
)

// run is one run of the command.
type run struct {
	patience    time.Duration
	session     *session
	options     *client.Options
	in          io.Reader
	steps       []*step // of --emit and --ask
	stay        time.Duration
	exitOnError bool
	keepHistory bool

	terminal *os.File // where lines are typed; nil if they come from elsewhere
	screen   *os.File // where they are edited; nil if they are not
}

// look finds out whether there is a terminal.
func (r *run) look(std *Streams, json, plain bool) {
	in, typed := terminal(std.In)
	out, shown := terminal(std.Out)
	if typed && len(r.steps) == 0 {
		r.terminal = in
		if shown && !json && os.Getenv("TERM") != "dumb" {
			r.screen = out
		}
	}
	if shown && !json {
		r.session.out.colour = !plain && os.Getenv("TERM") != "dumb"
		r.session.out.width = func() int { return columns(out) }
	}
}

func terminal(stream any) (*os.File, bool) {
	f, ok := stream.(*os.File)
	return f, ok && term.IsTerminal(int(f.Fd()))
}

func columns(f *os.File) int {
	if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 1 {
		return width
	}
	return 80
}

// patience is how long a run that was told to end may take for it: the client's farewell,
// and some more.
const patience = 5 * time.Second

// untilEnd is run, and ends with ctx although somebody who was to read the output has
// stopped: a write to a pipe that is full cannot be given up.
func (r *run) untilEnd(ctx context.Context) error {
	done := make(chan error, 1)
	go func() { done <- r.run(ctx) }() // ends then, or with the process
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	timer := time.NewTimer(r.patience)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		return Exit(1)
	}
}

// run connects and works until the end.
func (r *run) run(ctx context.Context) error {
	if transport, ok := r.options.HTTPClient.Transport.(*http.Transport); ok {
		defer transport.CloseIdleConnections()
	}
	if err := r.session.start(r.session.target.url, *r.options); err != nil {
		return &UsageError{err}
	}
	defer r.session.stop()
	if r.screen != nil {
		return r.edited(ctx)
	}
	return r.plain(ctx)
}

// begin connects for the first time. Who types may go on after a refusal: with another
// auth, in another namespace.
func (r *run) begin(ctx context.Context) error {
	m, err := r.session.join(r.session.target.namespace)
	if err != nil {
		return err
	}
	if err := m.open(ctx); err != nil {
		var refused *client.ConnectError
		if r.terminal != nil && errors.As(err, &refused) {
			r.session.note("Change the auth and connect again, or join another namespace; help lists the commands.")
			return nil
		}
		r.session.report(err)
		return Exit(1)
	}
	return nil
}

// plain works without an editor: with the flags' steps, a script, or lines as the terminal
// gives them.
func (r *run) plain(ctx context.Context) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	fine := true
	do := func(st *step, err error) (goOn bool) {
		if err == nil && st != nil {
			err = st.verb.run(ctx, r.session, st)
		}
		if errors.Is(err, errQuit) {
			return false
		}
		r.session.report(err)
		fine = fine && err == nil
		return ctx.Err() == nil && (err == nil || !r.exitOnError)
	}
	if len(r.steps) > 0 {
		for _, st := range r.steps {
			if !do(st, nil) {
				break
			}
		}
	} else if !r.lines(ctx, do) {
		return exit(r.terminal != nil || fine && ctx.Err() == nil)
	}
	if (fine || !r.exitOnError) && ctx.Err() == nil {
		fine = r.linger(ctx) && fine
	}
	return exit(fine || r.terminal != nil)
}

func exit(fine bool) error {
	if fine {
		return nil
	}
	return Exit(1)
}

// lines hands on what is read. It reports false when somebody wanted to end, not the input.
func (r *run) lines(ctx context.Context, do func(*step, error) bool) bool {
	type input struct {
		line string
		err  error
	}
	in := make(chan input)
	done := make(chan struct{})
	defer close(done)
	go func() { // ends with its input, or with the process
		reader := bufio.NewReaderSize(r.in, 64<<10)
		for {
			line, err := readLine(reader)
			select {
			case in <- input{line, err}:
			case <-done:
				return
			}
			if err != nil {
				return
			}
		}
	}()
	for {
		select {
		case next := <-in:
			if next.err != nil && !errors.Is(next.err, io.EOF) {
				do(nil, next.err)
				return false
			}
			if st, err := parse(next.line, readFile); !do(st, err) {
				return false
			}
			if next.err != nil {
				return true
			}
		case <-ctx.Done():
			return false
		}
	}
}

// maxScriptLine bounds a line of a script, in bytes.
const maxScriptLine = 16 << 20

// readLine reads a line. Together with the last one it returns io.EOF.
func readLine(reader *bufio.Reader) (string, error) {
	var line strings.Builder
	for {
		part, err := reader.ReadSlice('\n')
		line.Write(part)
		if line.Len() > maxScriptLine {
			return "", failed("too_large", "a line of the script has more than %d MiB", maxScriptLine>>20)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return strings.TrimRight(line.String(), "\r\n"), err
		}
	}
}

// linger stays for as long as --wait says. It reports false when nothing can come any more.
func (r *run) linger(ctx context.Context) bool {
	if r.stay == 0 {
		return true
	}
	timer := time.NewTimer(r.stay)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return true
		case <-ctx.Done(): // the user has seen enough
			return true
		case <-r.session.idle:
			if r.session.rests() {
				return false
			}
		}
	}
}
