package connect

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// target is where to connect to.
type target struct {
	url        string // as the client wants it
	origin     string // scheme and host, for people
	path       string
	namespace  string
	withOrigin bool // an Origin header is sent
}

// parseTarget reads what users write: a URL, with or without its scheme, whose path is the
// namespace; host and port alone; a port alone.
func parseTarget(raw, namespace, path string) (*target, error) {
	whole := raw
	if !strings.Contains(raw, "://") {
		if strings.HasPrefix(raw, ":") {
			raw = "localhost" + raw
		}
		whole = "http://" + raw
	}
	u, err := url.Parse(whole)
	if err != nil {
		return nil, fmt.Errorf("%q is no URL: %w", raw, unwrapURL(err))
	}
	switch u.Scheme {
	case "http", "https":
	case "ws":
		u.Scheme = "http"
	case "wss":
		u.Scheme = "https"
	default:
		return nil, fmt.Errorf("%q begins with %s://: use http://, https://, ws:// or wss://", raw, u.Scheme)
	}
	if u.Hostname() == "" {
		return nil, fmt.Errorf("%q names no host: http://localhost:3000 for example", raw)
	}
	path = "/" + strings.Trim(path, "/") + "/"
	t := &target{path: path, namespace: u.Path}
	if strings.Trim(u.Path, "/")+"/" == path[1:] {
		t.namespace = "" // the path of the server, which is no namespace
	}
	if namespace != "" {
		t.namespace = namespace
	}
	t.namespace = "/" + strings.TrimPrefix(t.namespace, "/")
	u.Path, u.RawPath, u.Fragment = "", "", ""
	t.url = u.String()
	u.RawQuery, u.User = "", nil
	t.origin = u.String()
	return t, nil
}

// unwrapURL leaves out the URL, which the caller names.
func unwrapURL(err error) error {
	if e := (*url.Error)(nil); errors.As(err, &e) {
		return e.Err
	}
	return err
}
