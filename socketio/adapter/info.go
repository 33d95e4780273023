package adapter

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// SocketInfo describes a socket, wherever it is connected. It marshals to the fields
// that Node servers exchange (id, handshake, rooms, data).
type SocketInfo struct {
	ID        string    `json:"id"`
	Handshake Handshake `json:"handshake"`
	// Rooms are those the socket is in, its own id among them.
	Rooms RoomNames `json:"rooms"`
	// Data is what the application attached to the socket, as JSON; nil is null.
	Data json.RawMessage `json:"data"`
}

// Handshake is how a socket's connection began. In JSON it has Node's fields:
// headers, time, address, xdomain, secure, issued, url, query, auth.
type Handshake struct {
	// Header of the first request. In JSON the names are in lower case, and several
	// values are joined as Node joins them.
	Header http.Header
	// Time the handshake was made: "issued" (milliseconds since 1970) and "time" (in
	// the words of JavaScript) in JSON.
	Time    time.Time
	Address string
	// XDomain: the request had an Origin header.
	XDomain bool
	Secure  bool
	URL     string
	Query   url.Values
	// Auth is what the client gave with its CONNECT, a JSON object; nil is {}.
	Auth json.RawMessage
}

type handshakeJSON struct {
	Headers map[string]oneOrMore `json:"headers"`
	Time    any                  `json:"time"`
	Address string               `json:"address"`
	XDomain bool                 `json:"xdomain"`
	Secure  bool                 `json:"secure"`
	Issued  float64              `json:"issued"`
	URL     string               `json:"url"`
	Query   map[string]oneOrMore `json:"query"`
	Auth    json.RawMessage      `json:"auth"`
}

// javaScriptTime is the layout of Date.prototype.toString in UTC.
const javaScriptTime = "Mon Jan 02 2006 15:04:05 GMT+0000 (Coordinated Universal Time)"

// MarshalJSON implements json.Marshaler.
func (h Handshake) MarshalJSON() ([]byte, error) {
	w := handshakeJSON{
		Headers: make(map[string]oneOrMore, len(h.Header)),
		Time:    h.Time.UTC().Format(javaScriptTime),
		Address: h.Address,
		XDomain: h.XDomain,
		Secure:  h.Secure,
		Issued:  float64(h.Time.UnixMilli()),
		URL:     h.URL,
		Query:   make(map[string]oneOrMore, len(h.Query)),
		Auth:    h.Auth,
	}
	for name, values := range h.Header {
		switch name = strings.ToLower(name); name {
		case "cookie":
			w.Headers[name] = oneOrMore{strings.Join(values, "; ")}
		default:
			w.Headers[name] = oneOrMore{strings.Join(values, ", ")}
		}
	}
	for name, values := range h.Query {
		w.Query[name] = values
	}
	if w.Auth == nil {
		w.Auth = json.RawMessage("{}")
	}
	return json.Marshal(w)
}

// UnmarshalJSON implements json.Unmarshaler.
func (h *Handshake) UnmarshalJSON(b []byte) error {
	var w handshakeJSON
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	*h = Handshake{
		Time: time.UnixMilli(int64(w.Issued)), Address: w.Address, XDomain: w.XDomain,
		Secure: w.Secure, URL: w.URL, Auth: w.Auth,
	}
	if len(w.Headers) > 0 {
		h.Header = make(http.Header, len(w.Headers))
		for name, values := range w.Headers {
			h.Header[http.CanonicalHeaderKey(name)] = values
		}
	}
	if len(w.Query) > 0 {
		h.Query = make(url.Values, len(w.Query))
		for name, values := range w.Query {
			h.Query[name] = values
		}
	}
	return nil
}

// oneOrMore is a string, or an array of strings when it is not exactly one. Numbers
// and the like, which applications of Node servers put there, are taken as written.
type oneOrMore []string

func (v oneOrMore) MarshalJSON() ([]byte, error) {
	if len(v) == 1 {
		return json.Marshal(v[0])
	}
	return json.Marshal([]string(v))
}

func (v *oneOrMore) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		return (*RoomNames)(v).UnmarshalJSON(b)
	}
	*v = nil
	if s, ok := scalar(b); ok {
		*v = oneOrMore{s}
	}
	return nil
}

// RoomNames is a list of room names. Node servers may have numbers for rooms, which
// become their decimal strings; a nil list is an empty array in JSON.
type RoomNames []string

// MarshalJSON implements json.Marshaler.
func (r RoomNames) MarshalJSON() ([]byte, error) {
	if r == nil {
		return []byte("[]"), nil
	}
	return json.Marshal([]string(r))
}

// UnmarshalJSON implements json.Unmarshaler.
func (r *RoomNames) UnmarshalJSON(b []byte) error {
	if names, ok := plainStrings(b); ok {
		*r = names
		return nil
	}
	var raw []json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	*r = nil
	for _, e := range raw {
		if s, ok := scalar(e); ok {
			*r = append(*r, s)
		}
	}
	return nil
}

// plainStrings reads an array of strings without escapes and white space, which is the
// usual case: with it a broadcast is parsed with 26 allocations rather than 43.
func plainStrings(b []byte) (list []string, ok bool) {
	rest, ok := bytes.CutPrefix(b, []byte{'['})
	for ok && len(rest) > 0 && rest[0] == '"' {
		var s []byte
		s, rest, ok = bytes.Cut(rest[1:], []byte{'"'})
		if !ok || bytes.IndexByte(s, '\\') >= 0 || !utf8.Valid(s) {
			return nil, false
		}
		list = append(list, string(s))
		if next, more := bytes.CutPrefix(rest, []byte{','}); more {
			rest = next
		} else {
			break
		}
	}
	return list, ok && string(rest) == "]"
}

// scalar returns a JSON string's value, or a number's or boolean's text.
func scalar(b []byte) (string, bool) {
	b = bytes.TrimSpace(b)
	switch {
	case len(b) == 0 || b[0] == 'n' || b[0] == '{' || b[0] == '[':
		return "", false
	case b[0] == '"':
		var s string
		err := json.Unmarshal(b, &s)
		return s, err == nil
	default:
		if f, err := strconv.ParseFloat(string(b), 64); err == nil && f == float64(int64(f)) {
			return strconv.FormatInt(int64(f), 10), true
		}
		return string(b), true
	}
}
