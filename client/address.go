package client

import (
	"net/http"
	"net/url"
	"strconv"
)

// endpoint returns the URL of requests on the transport, without a query.
func (e *engine) endpoint(t Transport) *url.URL {
	u := *e.url
	if t == WebSocket {
		u.Scheme = map[string]string{"http": "ws", "https": "wss"}[u.Scheme]
	}
	u.Path, u.RawQuery = e.client.opts.Path, ""
	return &u
}

// address returns the URL of a request on the transport.
func (e *engine) address(t Transport) string {
	u := e.endpoint(t)
	query := e.url.Query()
	for key, values := range e.client.opts.Query {
		query[key] = values
	}
	query.Set("EIO", "4")
	query.Set("transport", string(t))
	if e.sid != "" {
		query.Set("sid", e.sid)
	}
	if t == Polling { // past caches that do not look at no-store
		query.Set("t", strconv.FormatInt(e.client.stamps.Add(1), 36))
	}
	u.RawQuery = query.Encode()
	return u.String()
}

// header returns the headers of requests; Host apart, which is no header to Go.
func (e *engine) header() (h http.Header, host string) {
	h = e.client.opts.Header.Clone()
	if h == nil {
		h = http.Header{}
	}
	host = h.Get("Host")
	h.Del("Host")
	return h, host
}
