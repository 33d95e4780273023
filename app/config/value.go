package config

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// parse gives a setting of c the value written. It returns all that is wrong with it, and
// then leaves c as it is. Lists may have several texts, each with commas; of other
// settings the last text counts, as of a flag that is given twice.
func (s *Setting) parse(c *Config, texts []string) (faults []error) {
	fault := func(err error) {
		if err != nil {
			faults = append(faults, err)
		}
	}
	if s.List {
		var items []string
		for _, text := range texts {
			for item := range strings.SplitSeq(text, ",") {
				if item = strings.TrimSpace(item); item != "" {
					items = append(items, item)
				}
			}
		}
		texts = items
	} else {
		texts = texts[len(texts)-1:]
		if !s.Secret {
			texts = []string{strings.TrimSpace(texts[0])}
		}
	}
	var set func() // called when all of a list is known to be good
	switch p := s.in(c).Addr().Interface().(type) {
	case *string:
		fault(s.checkText(texts[0]))
		set = func() { *p = texts[0] }
	case *[]string:
		for _, text := range texts {
			fault(s.checkText(text))
		}
		set = func() { *p = texts }
	case *Secret:
		set = func() { *p = Secret(texts[0]) }
	case *[]Secret:
		var all []Secret
		for _, text := range texts {
			all = append(all, Secret(text))
		}
		set = func() { *p = all }
	case *DatabaseURL:
		fault(DatabaseURL(texts[0]).check())
		set = func() { *p = DatabaseURL(texts[0]) }
	case *bool:
		v, err := parseSwitch(texts[0])
		fault(err)
		set = func() { *p = v }
	case *int:
		v, err := parseNumber(texts[0])
		fault(err)
		if err == nil {
			fault(within(s, v, parseNumber))
		}
		set = func() { *p = v }
	case *time.Duration:
		v, err := parseDuration(texts[0])
		fault(err)
		if err == nil {
			fault(within(s, v, parseDuration))
		}
		set = func() { *p = v }
	case *[]netip.Prefix:
		var all []netip.Prefix
		for _, text := range texts {
			v, err := parseNetwork(text)
			fault(err)
			all = append(all, v)
		}
		set = func() { *p = all }
	default:
		panic(fmt.Sprintf("config: %s has the type %T, which nothing reads", s.Name, p))
	}
	if faults == nil {
		set()
	}
	return faults
}

// written is a setting's value as people would write it, but for secrets: one text, or
// those of a list.
func (s *Setting) written(c *Config) (texts []string) {
	switch v := s.in(c).Interface().(type) {
	case []string:
		return v
	case []Secret:
		for _, secret := range v {
			texts = append(texts, secret.String())
		}
		return texts
	case []netip.Prefix:
		for _, network := range v {
			texts = append(texts, formatNetwork(network))
		}
		return texts
	case time.Duration:
		return []string{formatDuration(v)}
	default:
		return []string{fmt.Sprint(v)} // secrets hide themselves
	}
}

func (s *Setting) checkText(text string) error {
	if s.OneOf != nil && !slices.Contains(s.OneOf, text) {
		return fmt.Errorf("%q is none of %s", text, strings.Join(s.OneOf, ", "))
	}
	if text == "" && s.Default != "" {
		return fmt.Errorf("is empty: leave it out to have %s", s.Default)
	}
	if s.check == "" {
		return nil
	}
	return checks[s.check](text)
}

// within looks at the bounds in the tags.
func within[T int | time.Duration](s *Setting, v T, parse func(string) (T, error)) error {
	for _, bound := range []struct {
		text, word string
		sign       T
	}{{s.min, "below", 1}, {s.max, "above", -1}} {
		if bound.text == "" {
			continue
		}
		limit, err := parse(bound.text)
		if err != nil {
			panic("config: " + s.Name + ": " + err.Error())
		}
		if (v < limit && bound.sign > 0) || (v > limit && bound.sign < 0) {
			return fmt.Errorf("%v is %s %s", v, bound.word, bound.text)
		}
	}
	return nil
}

func parseSwitch(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "true", "yes", "on", "1":
		return true, nil
	case "false", "no", "off", "0":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither true nor false", text)
}

func parseNumber(text string) (int, error) {
	v, err := strconv.Atoi(text)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, fmt.Errorf("%s is too large", text)
	case err != nil:
		return 0, fmt.Errorf("%q is no whole number", text)
	}
	return v, nil
}

const day = 24 * time.Hour

// parseDuration reads Go's durations, and days in front of them: 90s, 1h30m, 30d, 1d12h.
func parseDuration(text string) (time.Duration, error) {
	wrong := fmt.Errorf("%q is no duration such as 25s, 15m, 1h30m or 30d", text)
	rest := text
	var days int
	if before, after, found := strings.Cut(text, "d"); found {
		var err error
		if days, err = strconv.Atoi(before); err != nil || days < 0 || before[0] == '+' {
			return 0, wrong
		}
		if rest = after; rest == "" {
			rest = "0s"
		}
		if rest[0] == '-' || rest[0] == '+' {
			return 0, wrong
		}
	}
	v, err := time.ParseDuration(rest)
	if err != nil {
		return 0, wrong
	}
	const most = 100 * 365 // days; the sum stays far from what a Duration can hold
	if days > most || v > most*day || v < -most*day {
		return 0, fmt.Errorf("%q is more than a hundred years", text)
	}
	return time.Duration(days)*day + v, nil
}

// formatDuration writes what parseDuration reads, short: 30d, 1d12h, 15m, 1.5s.
func formatDuration(v time.Duration) string {
	text := ""
	if v >= day {
		text = strconv.Itoa(int(v/day)) + "d"
		if v %= day; v == 0 {
			return text
		}
	}
	rest := v.String()
	if strings.HasSuffix(rest, "m0s") {
		rest = strings.TrimSuffix(rest, "0s")
	}
	if strings.HasSuffix(rest, "h0m") {
		rest = strings.TrimSuffix(rest, "0m")
	}
	return text + rest
}

// parseNetwork reads 10.0.0.0/8, and 10.0.0.1 as the network of this address alone.
func parseNetwork(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	network, err := netip.ParsePrefix(text)
	switch {
	case err != nil || network.Addr().Is4In6():
		return netip.Prefix{}, fmt.Errorf("%q is neither an address nor a network such as 10.0.0.0/8", text)
	case network != network.Masked():
		return netip.Prefix{}, fmt.Errorf("%q is no network: %s is, and %s is one address", text, network.Masked(), network.Addr())
	}
	return network, nil
}

func formatNetwork(network netip.Prefix) string {
	if network.IsSingleIP() {
		return network.Addr().String()
	}
	return network.String()
}
