package websocket

import (
	"iter"
	"net/http"
	"strings"
)

// tokens yields the elements of a header that is a comma-separated list.
func tokens(h http.Header, name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, line := range h.Values(name) {
			for element := range strings.SplitSeq(line, ",") {
				if t := strings.TrimSpace(element); t != "" && !yield(t) {
					return
				}
			}
		}
	}
}

// hasToken reports whether a list contains a token, in whatever case.
func hasToken(h http.Header, name, token string) bool {
	for t := range tokens(h, name) {
		if strings.EqualFold(t, token) {
			return true
		}
	}
	return false
}

// acceptDeflate looks for an offer of permessage-deflate that can be met, and returns
// the answer to it (RFC 7692 5.1 and 7.1).
//
// An offer that asks for a smaller window is declined, as the RFC allows: deflated
// frames are shared, and have one window. No quoted comma or semicolon can occur in
// the parameters that the RFC defines, so splitting at them is enough.
func acceptDeflate(h http.Header) (bool, string) {
	for offer := range tokens(h, "Sec-Websocket-Extensions") {
		if extension, ok := deflateAnswer(offer); ok {
			return true, extension
		}
	}
	return false, ""
}

func deflateAnswer(offer string) (string, bool) {
	name, parameters, more := strings.Cut(offer, ";")
	if strings.TrimSpace(name) != "permessage-deflate" {
		return "", false
	}
	answer := "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
	seen := make(map[string]bool, 4)
	for more {
		var parameter string
		parameter, parameters, more = strings.Cut(parameters, ";")
		key, value, valued := strings.Cut(strings.TrimSpace(parameter), "=")
		key = strings.TrimSpace(key)
		value = strings.TrimSpace(value)
		if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
			value = value[1 : len(value)-1]
		}
		if seen[key] {
			return "", false
		}
		seen[key] = true
		switch key {
		case "server_no_context_takeover", "client_no_context_takeover":
			if valued {
				return "", false
			}
		case "server_max_window_bits":
			if value != "15" {
				return "", false
			}
			answer += "; server_max_window_bits=15" // an accepted wish has to be repeated
		case "client_max_window_bits":
			if valued && !windowBits(value) {
				return "", false
			}
		default:
			return "", false
		}
	}
	return answer, true
}

func windowBits(v string) bool {
	return len(v) == 1 && (v[0] == '8' || v[0] == '9') ||
		len(v) == 2 && v[0] == '1' && v[1] >= '0' && v[1] <= '5'
}
