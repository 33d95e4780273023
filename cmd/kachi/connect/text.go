package connect

import (
	"fmt"
	"strings"
	"time"

	"github.com/kachi-io/kachi/client"
	"github.com/kachi-io/kachi/cmd/kachi/connect/editor"
)

// style is how records look to people.
type style struct {
	colour  bool
	several bool // namespaces: each line names its own
	columns int  // of the terminal; 0: nothing is cut
}

// The colours, as parameters of SGR.
const (
	dim    = "2"
	bold   = "1"
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
)

func (s style) paint(colour, text string) string {
	if !s.colour || text == "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// text returns the record as one or more lines.
func (s style) text(r *record) string {
	switch r.kind {
	case kindEvent:
		return s.event(r)
	case kindAnswer:
		return s.answer(r)
	case kindConnect:
		return s.paint(green, s.connected(r))
	case kindDisconnect:
		return s.paint(yellow, s.disconnected(r))
	case kindReconnecting:
		return s.paint(dim, fmt.Sprintf("Trying again in %s (attempt %d)…", duration(r.lasted), r.attempt))
	case kindUpgrade:
		return s.paint(dim, "Moved to WebSocket.")
	case kindUpgradeError:
		return s.paint(yellow, "It stays on polling, WebSocket did not work: "+escape(r.message))
	case kindConnectError:
		return s.refusal(r)
	case kindError:
		return s.fault(r)
	case kindStatus:
		return s.status(r)
	default:
		return r.message
	}
}

func (s style) event(r *record) string {
	line := s.paint(green, "←") + " " + s.place(r) + s.paint(cyan, eventName(r.event))
	if args := render(r.args, forPeople); len(args) > 0 {
		line += " " + s.cut(strings.Join(args, " "))
	}
	if r.id > 0 {
		line += s.paint(dim, fmt.Sprintf("   (a question: answer %d …)", r.id))
	}
	return line
}

func (s style) answer(r *record) string {
	line := s.paint(green, "←") + " " + s.place(r) + "answer to " + s.paint(cyan, eventName(r.event)) +
		s.paint(dim, " after "+duration(r.lasted))
	if args := render(r.args, forPeople); len(args) > 0 {
		line += ": " + s.cut(strings.Join(args, " "))
	}
	if r.code != "" {
		line = s.paint(red, "✗") + strings.TrimPrefix(line, s.paint(green, "←"))
	}
	return line
}

// place names the namespace, where there are several.
func (s style) place(r *record) string {
	if !s.several {
		return ""
	}
	return s.paint(dim, "["+escape(r.namespace)+"]") + " "
}

func (s style) connected(r *record) string {
	line := "Connected to " + escape(r.url)
	if r.namespace != "/" {
		line += ", namespace " + escape(r.namespace)
	}
	line += fmt.Sprintf(" (%s, id %s)", escape(r.transport), escape(r.sid))
	if r.recovered {
		line += ", and the server has gone on where it was"
	}
	return line + "."
}

var reasons = map[client.Reason]string{
	client.ClientDisconnect: "Left %s.",
	client.ServerDisconnect: "The server put this client out of %s. `connect` goes in again.",
	client.PingTimeout:      "Lost the connection to %s: the server has been silent for too long.",
	client.TransportClose:   "Lost the connection to %s: the other side closed it.",
	client.TransportFailure: "Lost the connection to %s: it broke.",
	client.Stalled:          "Left %s: what it sent was not printed for too long. It comes back when that is done.",
	client.ParseFailure:     "Left %s: what came is not Socket.IO's protocol (is --encoding the server's?).",
}

func (s style) disconnected(r *record) string {
	form, ok := reasons[client.Reason(r.reason)]
	if !ok {
		form = "Lost the connection to %s (" + escape(r.reason) + ")."
	}
	line := fmt.Sprintf(form, escape(r.namespace))
	if r.message != "" {
		line = strings.TrimSuffix(line, ".") + " (" + escape(r.message) + ")."
	}
	return line
}

func (s style) refusal(r *record) string {
	line := s.paint(red, escape(r.message))
	if len(r.data) > 0 {
		line += "\n  " + s.cut(escape(string(r.data)))
	}
	return line
}

// fault shows the line with the mistake, and where it is.
func (s style) fault(r *record) string {
	line := s.paint(red, escape(r.message))
	if r.line == nil || r.line.at < 0 || r.line.line == "" {
		return line
	}
	begin, end := 0, len(r.line.line)
	const around = 60 // bytes of the line to each side
	if r.line.at-begin > around {
		begin = boundary(r.line.line, r.line.at-around)
	}
	if end-r.line.at > around {
		end = boundary(r.line.line, r.line.at+around)
	}
	before := escape(r.line.line[begin:min(r.line.at, end)])
	return "  " + before + escape(r.line.line[min(r.line.at, end):end]) + "\n  " +
		strings.Repeat(" ", editor.Cells(before)) + s.paint(red, "^ ") + line
}

// boundary returns where a character begins, at or before i.
func boundary(s string, i int) int {
	for i > 0 && i < len(s) && s[i]&0xc0 == 0x80 {
		i--
	}
	return i
}

func (s style) status(r *record) string {
	var b strings.Builder
	b.WriteString(escape(r.url))
	if r.transport == "" {
		b.WriteString(": no connection")
	} else {
		fmt.Fprintf(&b, ": connected by %s, session %s", r.transport, escape(r.sid))
	}
	for _, socket := range r.sockets {
		mark := " "
		if socket.Current {
			mark = "*"
		}
		fmt.Fprintf(&b, "\n%s %s: %s", mark, escape(socket.Namespace), socket.State)
		if socket.SID != "" {
			fmt.Fprintf(&b, ", id %s", escape(socket.SID))
		}
	}
	return b.String()
}

// rows is how much of a terminal one event may take.
const rows = 4

// cut shortens what is long, on a terminal.
func (s style) cut(text string) string {
	limit := s.columns * rows
	if s.columns == 0 || len(text) <= limit {
		return text
	}
	n := 0
	for i, r := range text {
		if n += editor.Cells(string(r)); n > limit {
			return text[:i] + s.paint(dim, fmt.Sprintf("… (%d bytes in all)", len(text)))
		}
	}
	return text
}

// duration is d with a precision that people want.
func duration(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	default:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
}
