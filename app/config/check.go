package config

import (
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// checks are what the tag check names. They look at how a text is written, not whether a
// file is there or a port is free: that is for who opens it.
var checks = map[string]func(text string) error{
	"address": checkAddress,
	"origin":  checkOrigin,
	"domain":  checkDomain,
	"site":    checkSite,
	"url":     checkURL,
	"email":   checkEmail,
	"tiles":   checkTiles,
}

func checkAddress(text string) error {
	if text == "" {
		return nil
	}
	_, port, err := net.SplitHostPort(text)
	if err != nil {
		return fmt.Errorf("%q is not of the form HOST:PORT or :PORT", text)
	}
	return checkPort(port, false)
}

func checkPort(port string, optional bool) error {
	if port == "" && optional {
		return nil
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%q is no port from 0 to 65535", port)
	}
	return nil
}

func checkOrigin(text string) error {
	if text == "*" {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Hostname() == "" ||
		text != u.Scheme+"://"+u.Host || strings.ContainsAny(u.Host, "*@ ") || checkPort(u.Port(), true) != nil {
		return fmt.Errorf(`%q is neither * nor of the form https://host[:port]`, text)
	}
	return nil
}

// checkSite takes an origin, but not all of them.
func checkSite(text string) error {
	if text == "" {
		return nil
	}
	if text == "*" || checkOrigin(text) != nil {
		return fmt.Errorf("%q is not of the form https://host[:port]", text)
	}
	return nil
}

func checkURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Hostname() == "" {
		return fmt.Errorf("%q is no URL such as https://host/path", text)
	}
	return nil
}

var label = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)

func checkDomain(text string) error {
	labels := strings.Split(text, ".")
	_, err := netip.ParseAddr(text)
	if err == nil || len(text) > 253 || len(labels) < 2 || slices.ContainsFunc(labels, func(l string) bool { return !label.MatchString(l) }) {
		return fmt.Errorf("%q is no full name such as chat.example.com", text)
	}
	return nil
}

func checkEmail(text string) error {
	if text == "" {
		return nil
	}
	if a, err := mail.ParseAddress(text); err != nil || a.Address != text {
		return fmt.Errorf("%q is no mail address", text)
	}
	return nil
}

// checkTiles takes URLs of other sites, and paths of this one.
func checkTiles(text string) error {
	if text == "" {
		return nil
	}
	rest := text
	for _, part := range []string{"{z}", "{x}", "{y}"} {
		if strings.Count(text, part) != 1 {
			return fmt.Errorf("%q has not {z}, {x} and {y} once each", text)
		}
		rest = strings.ReplaceAll(rest, part, "0")
	}
	u, err := url.Parse(rest)
	site := err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != ""
	path := err == nil && u.Scheme == "" && u.Host == "" && strings.HasPrefix(rest, "/")
	if !site && !path || strings.ContainsAny(rest, "{}") {
		return fmt.Errorf("%q is not of the form https://host/{z}/{x}/{y}.png or /path/{z}/{x}/{y}.png", text)
	}
	return nil
}
