package config

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

const hidden = "(hidden)"

// Secret is a value that no log and no page shows: printed in any way it is "(hidden)".
// string(s) is the secret.
type Secret string

// String says that there is something, not what.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// GoString is String.
func (s Secret) GoString() string { return s.String() }

// MarshalText is String, for JSON and slog.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Warnings names the secrets that are so short that they can be guessed: good for trying
// things out, and for nothing else.
func (l *Loaded) Warnings() (all []string) {
	short := func(name string, s Secret, least int, then string) {
		if s != "" && len(s) < least {
			all = append(all, fmt.Sprintf("%s (%s) has %d bytes, and whoever guesses it %s: take %d or more, from `openssl rand -base64 48` say",
				name, l.Source(name), len(s), then, least))
		}
	}
	short("jwt-secret", l.JWTSecret, 32, "signs in as anybody")
	for _, token := range l.ServiceToken {
		short("service-token", token, 16, "can notify everybody")
	}
	return all
}

// DatabaseURL is where a database is, mysql://user:password@host:port/name, or empty. Behind
// the name there may be ?tls=true and ?socket=/path/of/socket, which stands for the host.
// Printed in any way its password is hidden. string(u) is all of it.
type DatabaseURL string

// String is the URL with the password hidden.
func (u DatabaseURL) String() string {
	if u == "" {
		return ""
	}
	parsed, err := url.Parse(string(u))
	// A password whose signs were not escaped may have its end behind a ? or a #.
	if err != nil || parsed.Opaque != "" || parsed.Fragment != "" || checkParameters(parsed) != nil {
		return hidden
	}
	if _, has := parsed.User.Password(); !has {
		return parsed.String()
	}
	scheme, name := parsed.Scheme, url.User(parsed.User.Username()).String()
	parsed.User = nil
	return scheme + "://" + name + ":" + hidden + "@" + strings.TrimPrefix(parsed.String(), scheme+"://")
}

// GoString is String.
func (u DatabaseURL) GoString() string { return u.String() }

// MarshalText is String, for JSON and slog.
func (u DatabaseURL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// check says what is wrong without repeating the URL, in which there may be a password.
func (u DatabaseURL) check() error {
	if u == "" {
		return nil
	}
	parsed, err := url.Parse(string(u))
	if err != nil {
		return errors.New("is no URL of the form mysql://user:password@host:port/name (in user and password, write signs such as / and # as %2F and %23)")
	}
	bySocket := parsed.Query().Get("socket") != ""
	switch {
	case parsed.Scheme != "mysql":
		return errors.New("does not begin with mysql://, the one kind of database there is beside SQLite")
	case parsed.Hostname() == "" && !bySocket || parsed.User.Username() == "" || strings.Trim(parsed.Path, "/") == "":
		return errors.New("is not of the form mysql://user:password@host:port/name")
	case strings.Contains(parsed.Path[1:], "/"):
		return errors.New("has more than the database's name behind the host")
	case parsed.Fragment != "" || parsed.ForceQuery:
		return errBehindName
	case bySocket && parsed.Host != "" && parsed.Host != "localhost":
		return errors.New("names both a host and a socket")
	}
	return errors.Join(checkParameters(parsed), checkPort(parsed.Port(), true))
}

var errBehindName = errors.New("has something behind the database's name that is neither ?tls=true (false, skip-verify, preferred) " +
	"nor ?socket=/path (in user and password, write ? and # as %3F and %23)")

// checkParameters says what is wrong with what is behind the "?" without repeating it.
func checkParameters(u *url.URL) error {
	all, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return errBehindName
	}
	for name, values := range all {
		tls := name == "tls" && slices.Contains([]string{"true", "false", "skip-verify", "preferred"}, values[0])
		socket := name == "socket" && strings.HasPrefix(values[0], "/")
		if len(values) != 1 || !tls && !socket {
			return errBehindName
		}
	}
	return nil
}
