package engineio

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// request is what the server reads of an HTTP request before it knows the session.
type request struct {
	transport Transport
	sid       string
	protocol  string // EIO
	base64    bool   // b64: nothing binary, please; protocol 3
	jsonp     bool   // j
	upgrade   bool   // asks for WebSocket
	plain     bool   // and for nothing else
}

func (o *Options) parseRequest(r *http.Request) request {
	q := request{
		transport: Transport(queryValue(r.URL.RawQuery, "transport")),
		sid:       queryValue(r.URL.RawQuery, "sid"),
		protocol:  queryValue(r.URL.RawQuery, "EIO"),
		// Only a wish for WebSocket counts: some HTTP clients offer h2c with every request.
		upgrade: r.ProtoMajor == 1 && headerHasToken(r.Header["Upgrade"], "websocket"),
	}
	if o.AllowEIO3 && q.protocol != "4" {
		q.base64 = queryValue(r.URL.RawQuery, "b64") != ""
		q.jsonp = queryValue(r.URL.RawQuery, "j") != ""
	}
	return q
}

// queryValue returns the first value of a key. It looks for it in the raw query, since
// every poll and post passes here and url.ParseQuery costs a map and several strings.
func queryValue(raw, key string) string {
	for raw != "" {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		k, v, _ := strings.Cut(pair, "=")
		if k != key {
			continue
		}
		if strings.ContainsAny(v, "%+") {
			v, _ = url.QueryUnescape(v) // "" for a malformed one, which no check accepts
		}
		return v
	}
	return ""
}

func headerHasToken(values []string, token string) bool {
	for _, v := range values {
		for field := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(field), token) {
				return true
			}
		}
	}
	return false
}

func (o *Options) serves(t Transport) bool { return slices.Contains(o.Transports, t) }

// revision returns the protocol that a request asks for by EIO, 0 for one that is not
// served. As in the reference implementation, whatever is not 4 is 3.
func (o *Options) revision(eio string) uint8 {
	switch {
	case eio == "4":
		return 4
	case o.AllowEIO3:
		return 3
	}
	return 0
}

// upgrades lists what a session that starts on t may move to.
func (o *Options) upgrades(t Transport) []Transport {
	if t != Polling || o.DisableUpgrades || !o.serves(WebSocket) {
		return []Transport{}
	}
	return []Transport{WebSocket}
}
