// Package connect is the command `kachi connect`: a Socket.IO client for people and
// scripts. Lines are typed, or read from a script; what the server sends is printed above
// the line being typed.
package connect

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/alecthomas/kong"
)

// Command are the arguments of `kachi connect`.
type Command struct {
	URL       string `arg:"" placeholder:"URL" help:"Where the server is: http://localhost:3000 or just localhost:3000; https, ws and wss as well. A path names the namespace."`
	Namespace string `arg:"" optional:"" help:"The namespace, /chat for example. Default /, or the URL's path."`

	Path      string   `default:"/socket.io/" placeholder:"PATH" help:"The path of the server. Default /socket.io/."`
	Auth      []string `sep:"none" placeholder:"AUTH" help:"What the namespace gets as auth: a JSON object, or name=value (a string). Repeatable."`
	Token     string   `placeholder:"TOKEN" help:"The same as --auth token=TOKEN."`
	Header    []string `short:"H" sep:"none" placeholder:"HEADER" help:"A header of every request, 'Name: value'. Repeatable."`
	Query     []string `short:"q" sep:"none" placeholder:"NAME=VALUE" help:"A query parameter of every request. Repeatable."`
	Origin    string   `placeholder:"ORIGIN" help:"The site to come from, https://example.com for example. Default none."`
	Transport []string `placeholder:"TRANSPORT" help:"polling or websocket. Default polling, which moves to websocket."`
	Encoding  string   `default:"json" placeholder:"ENCODING" help:"The form of the packets, which must be the server's: json or msgpack. Default json."`
	Proxy     string   `placeholder:"URL" help:"A proxy: http://HOST:PORT, https or socks5. none for no proxy. Default: HTTP_PROXY, HTTPS_PROXY and NO_PROXY of the environment."`
	Insecure  bool     `help:"Trust any certificate."`
	CA        string   `name:"ca" placeholder:"FILE" help:"Trust the authorities in this PEM file, and no others."`

	Timeout     time.Duration `default:"20s" placeholder:"TIME" help:"How long connecting may take. Default 20s."`
	AckTimeout  time.Duration `default:"10s" placeholder:"TIME" help:"How long to wait for an answer. Default 10s."`
	NoReconnect bool          `help:"Do not connect again when the connection is lost."`

	Emit        shots  `env:"-" placeholder:"'EVENT ARG…'" help:"Send an event, then end. Repeatable, also with --ask, in the order given."`
	Ask         shots  `env:"-" placeholder:"'EVENT ARG…'" help:"Send an event, print the answer, then end. Repeatable."`
	Wait        string `env:"-" placeholder:"TIME" help:"How long to stay and print events when a script, or --emit and --ask, are through: 5s, or forever. Default 0s."`
	ExitOnError bool   `env:"-" help:"End at the first line that fails. Without it all are tried."`

	JSON      bool `name:"json" help:"Print one JSON object a line, for programs."`
	NoColor   bool `help:"Print without colours. So does NO_COLOR in the environment, and where the output is no terminal."`
	NoHistory bool `help:"Do not keep lines for the next time."`
}

// Help is what --help says above the flags.
func (*Command) Help() string { return description }

const description = `It speaks with servers of Socket.IO 3 and 4. On a terminal type lines; help lists them:

  emit message {"room":"nest"} 5    send an event; arguments are JSON or words
  ask join {"room":"nest"}          the same, and show the acknowledgement
  answer 1 true                     answer question 1 of the server
  join /admin                       one more namespace on the same connection

Without a terminal the same lines are read from standard input, one after the other.

Examples:

  kachi connect localhost:3000/chat
  kachi connect https://example.com --token "$TOKEN" -H 'X-Tenant: nest'
  kachi connect localhost:3000/chat --token "$TOKEN" --ask 'join 1'
  kachi connect localhost:3000 --json --wait forever </dev/null | jq .
  kachi connect localhost:3000 --exit-on-error <script.txt

Exit codes: 0 all went well; 1 no connection, refused, or a line or --ask that failed or was answered with an error; 2 a mistake on the command line.

With --json every line is an object with "type" and "time", and what belongs to it:

  connect        namespace, sid, transport, url, recovered
  connect_error  namespace, code, message, data
  disconnect     namespace, reason, code, message
  reconnecting   attempt, ms (the pause)
  upgrade        transport
  upgrade_error  message
  event          namespace, event, args, id (of a question: answer it with that number)
  answer         namespace, event, args, ms, code and message where it is an error
  error          code, message, column (of a line that cannot be read)
  status         url, transport, sid, sockets
  note           message

Bytes in args are {"base64":"…"}.`

// Streams are where the command reads and writes.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Exit ends the command with this exit code; why has been printed.
type Exit int

func (e Exit) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// UsageError is a mistake on the command line.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }
func (e *UsageError) Unwrap() error { return e.Err }

// shots are lines given as flags. Each remembers how many arguments followed, which says
// what came before what across flags.
type shots []shot

type shot struct {
	line string
	left int
}

// Decode implements kong.MapperValue.
func (s *shots) Decode(ctx *kong.DecodeContext) error {
	var rest string
	if err := ctx.Scan.PopValueInto("EVENT", &rest); err != nil {
		return err
	}
	*s = append(*s, shot{ctx.Value.Name + " " + rest, ctx.Scan.Len()})
	return nil
}

// script returns the steps of --emit and --ask, in the order given.
func (c *Command) script() (steps []*step, err error) {
	all := slices.Concat(c.Emit, c.Ask)
	slices.SortStableFunc(all, func(a, b shot) int { return cmp.Compare(b.left, a.left) })
	for _, s := range all {
		st, err := parse(s.line, readFile)
		if err != nil {
			return nil, fmt.Errorf("--%s: %w", s.line, err)
		}
		steps = append(steps, st)
	}
	return steps, nil
}

// forever is longer than anybody waits.
const forever = 100 * 365 * 24 * time.Hour

func (c *Command) stay() (time.Duration, error) {
	switch c.Wait {
	case "":
		return 0, nil
	case "forever":
		return forever, nil
	}
	d, err := time.ParseDuration(c.Wait)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("--wait %q is no duration: write 500ms, 2s, 1m or forever", c.Wait)
	}
	return d, nil
}

// Run connects, does what is asked for and disconnects. It returns nil, an [Exit] or a
// [*UsageError].
func (c *Command) Run(ctx context.Context, std *Streams) error {
	r, err := c.prepare(std)
	if err != nil {
		return &UsageError{err}
	}
	return r.untilEnd(ctx)
}

// prepare reads the flags. Every error is a mistake in them.
func (c *Command) prepare(std *Streams) (*run, error) {
	target, err := parseTarget(c.URL, c.Namespace, c.Path)
	if err != nil {
		return nil, err
	}
	target.withOrigin = c.Origin != ""
	options, err := c.options()
	if err != nil {
		return nil, err
	}
	auth, err := c.auth()
	if err != nil {
		return nil, err
	}
	steps, err := c.script()
	if err != nil {
		return nil, err
	}
	stay, err := c.stay()
	if err != nil {
		return nil, err
	}
	r := &run{
		patience: patience, in: std.In, steps: steps, stay: stay, exitOnError: c.ExitOnError, keepHistory: !c.NoHistory,
		options: options,
		session: &session{
			target: target, auth: auth, timeout: c.Timeout, ackTimeout: c.AckTimeout, guard: func() {}, changed: func() {},
			out: &printer{json: c.JSON, out: std.Out, err: std.Err, now: time.Now},
		},
	}
	r.look(std, c.JSON, c.NoColor || os.Getenv("NO_COLOR") != "")
	return r, nil
}
