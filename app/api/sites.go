package api

import (
	"net/http"
	"slices"
	"strings"
)

// sites is which pages may call: the server's own, and those of origins that were allowed.
//
// A browser sends cookies with what a page of another site asks for, so that such a request
// is not served, whether or not its page could read the answer. Programs that are no
// browsers say nothing of a site, and are served.
type sites struct {
	named []string
	all   bool
	cross *http.CrossOriginProtection
}

func newSites(origins []string) *sites {
	s := &sites{all: slices.Contains(origins, "*"), cross: http.NewCrossOriginProtection()}
	for _, o := range origins {
		if o != "*" {
			s.named = append(s.named, strings.ToLower(o)) // as browsers write them
			_ = s.cross.AddTrustedOrigin(strings.ToLower(o))
		}
	}
	return s
}

// admit reports whether a request may come from where it comes from, and tells the page
// that it may read the answer where it is another site's.
//
// Where all origins are allowed, none is trusted: their pages may show a token, which they
// have to have, and cookies do not count for them.
func (s *sites) admit(h http.Header, r *http.Request) bool {
	origin := r.Header.Get("Origin")
	named := origin != "" && slices.Contains(s.named, origin)
	if s.all || len(s.named) > 0 {
		h.Add("Vary", "Origin")
	}
	switch {
	case named:
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Allow-Credentials", "true")
	case s.all:
		h.Set("Access-Control-Allow-Origin", "*")
	}
	if named || s.all {
		h.Set("Access-Control-Expose-Headers", "ETag, Location, Retry-After, X-Request-Id")
	}
	if s.cross.Check(r) == nil {
		return true
	}
	return s.all && r.Header.Get("Authorization") != "" && r.Header.Get("Cookie") == ""
}

// preflight says what a page of an allowed origin may send.
func (s *sites) preflight(h http.Header, r *http.Request, methods []string) {
	if h.Get("Access-Control-Allow-Origin") == "" || r.Header.Get("Access-Control-Request-Method") == "" {
		return
	}
	h.Set("Access-Control-Allow-Methods", strings.Join(methods, ", "))
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match, If-None-Match, X-Request-Id")
	h.Set("Access-Control-Max-Age", "600")
}
