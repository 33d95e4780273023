package account

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
)

func TestNames(t *testing.T) {
	for _, c := range []struct{ name, shown, key string }{
		{"Mina", "Mina", "mina"},
		{"  Mina   P. ", "Mina P.", "mina p."},
		{"Mina\u00a0P.", "Mina P.", "mina p."},
		{"Ｍｉｎａ", "Mina", "mina"},   // full width
		{"ﬁona", "fiona", "fiona"}, // a ligature
		{"까치", "까치", "까치"},
		{"\u1101\u1161\u110e\u1175", "까치", "까치"}, // the same in single letters
		{"e\u0301", "é", "é"},
		{"Ω", "Ω", "ω"}, // OHM SIGN
		{"🐦", "🐦", "🐦"},
		{"Мина", "Мина", "мина"},
		{"DJ Мина", "DJ Мина", "dj мина"},
		{"Mina까치", "Mina까치", "mina까치"},
		{"<b>&\"';--", "<b>&\"';--", "<b>&\"';--"}, // is shown as text
		{"100%_\\", "100%_\\", "100%_\\"},
		{strings.Repeat("가", 64), strings.Repeat("가", 64), strings.Repeat("가", 64)},
	} {
		shown, key, err := nameOf(c.name)
		assert.NoError(t, err, "%q", c.name)
		assert.Equal(t, shown, c.shown)
		assert.Equal(t, key, c.key)
		again, same, err := nameOf(shown)
		assert.NoError(t, err)
		assert.Equal(t, []string{again, same}, []string{shown, key}, "a name is its own")
	}
	for what, name := range map[string]string{
		"empty": "", "spaces": "  \u3000 ", "a control character": "Mi\x00na", "a line": "Mi\nna", "escape": "\x1b[31m",
		"right to left": "\u202eanim", "zero width": "Mi\u200bna", "zero width joiner": "Mi\u200dna", "a byte order mark": "\ufeffMina", "soft hyphen": "Mi\u00adna",
		"a filler": "\u3164", "blank braille": "\u2800", "a mark alone": "\u0301", "no UTF-8": "Mi\xffna", "what was no UTF-8": "Mi\ufffdna",
		"marks without end": "M" + strings.Repeat("\u0336", 5), "points alone": "...", "private use": "\ue000",
		"a Cyrillic letter among Latin ones": "Min\u0430", "a Greek one": "J\u03bfhn", "a Latin one among Cyrillic ones": "\u041cин\u0061",
		"65 letters": strings.Repeat("가", 65), "long once folded": strings.Repeat("ﷺ", 20),
	} {
		_, _, err := nameOf(name)
		assert.Equal(t, gateway.CodeOf(err), gateway.CodeInvalid, what)
	}
}

func TestPasswords(t *testing.T) {
	one, err := passwordOf("caf\u00e9 caf\u00e9")
	assert.NoError(t, err)
	other, err := passwordOf("cafe\u0301 cafe\u0301")
	assert.NoError(t, err)
	assert.Equal(t, one, other, "another keyboard")
	for what, c := range map[string]struct {
		password string
		good     bool
	}{
		"8":                      {"12345678", true},
		"7":                      {"1234567", false},
		"8 of several bytes":     {"비밀번호는까치다", true},
		"7 in 21 single letters": {strings.Repeat("\u1101\u1161\u11a8", 7), false},
		"256 bytes":              {strings.Repeat("x", 256), true},
		"257 bytes":              {strings.Repeat("x", 257), false},
		"empty":                  {"", false},
		"a control character":    {"1234567\x00", false},
		"spaces":                 {"correct horse", true},
	} {
		_, err := passwordOf(c.password)
		assert.Equal(t, err == nil, c.good, what)
	}
}

func TestHashesAreComparedByTheirOwnCost(t *testing.T) {
	p := newPasswords()
	hash, err := p.hash(t.Context(), "correct horse")
	assert.NoError(t, err)
	other, err := p.hash(t.Context(), "correct horse")
	assert.NoError(t, err)
	assert.True(t, hash != other, "salt")
	for shown, want := range map[string]bool{"correct horse": true, "correct horsf": false, "": false} {
		good, err := p.matches(t.Context(), shown, hash)
		assert.NoError(t, err)
		assert.Equal(t, good, want, shown)
	}
	// A cheaper one of before is still good; one that would take all memory is not tried.
	cheap := "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$"
	for _, bad := range []string{"", "x", cheap, strings.Replace(hash, "m=19456", "m=4000000", 1), strings.Replace(hash, "v=19", "v=16", 1), strings.Replace(hash, "$argon2id", "$bcrypt", 1)} {
		_, err := p.matches(t.Context(), "correct horse", bad)
		assert.ErrorIs(t, err, errHash)
	}
}

// Whatever comes, so many hashes are made at once, so many callers wait, and not for ever.
func TestAFloodOfPasswordsIsBounded(t *testing.T) {
	p := newPasswords()
	for range atOnce { // as if they were being made
		p.turns <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	ended := make(chan error, inWait)
	for range inWait {
		all.Go(func() { ended <- p.turn(ctx) })
	}
	assert.Eventually(t, func() bool { return len(p.waiting) == inWait })
	assert.Equal(t, gateway.CodeOf(p.turn(ctx)), gateway.CodeOverloaded)
	<-p.turns // one is done
	assert.NoError(t, assert.Receive(t, ended))
	cancel()
	for range inWait - 1 {
		assert.ErrorIs(t, assert.Receive(t, ended), context.Canceled)
	}
	all.Wait()
	assert.Equal(t, len(p.waiting), 0)

	p.patience = time.Nanosecond
	assert.Equal(t, gateway.CodeOf(p.turn(t.Context())), gateway.CodeOverloaded, "it waited long enough")
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func fail(a *attempts, name, address string, now time.Time) string {
	_, err := a.Begin(context.Background(), name, address, now)
	return gateway.CodeOf(err)
}

func TestAttemptsPerNameAndAddress(t *testing.T) {
	a := newAttempts(attemptsKept)
	for range attemptsHere {
		assert.Equal(t, fail(a, "mina", "192.0.2.1", noon), "")
	}
	_, err := a.Begin(context.Background(), "mina", "192.0.2.1", noon)
	assert.Equal(t, gateway.RetryAfter(err), attemptsPer)
	assert.Equal(t, fail(a, "mina", "192.0.2.2", noon), "", "from elsewhere")
	assert.Equal(t, fail(a, "jun", "192.0.2.1", noon), "", "somebody else")
	assert.Equal(t, fail(a, "mina", "192.0.2.1", noon.Add(attemptsPer)), "", "later")
}

func TestAttemptsFromOneNetworkCountTogether(t *testing.T) {
	a := newAttempts(attemptsKept)
	for i := range attemptsHere {
		assert.Equal(t, fail(a, "mina", fmt.Sprintf("2001:db8::%x", i+1), noon), "")
	}
	assert.Equal(t, fail(a, "mina", "2001:db8::ffff", noon), gateway.CodeRateLimited)
	assert.Equal(t, fail(a, "mina", "2001:db8:0:1::1", noon), "", "another network")
	for range attemptsHere {
		fail(a, "jun", "::ffff:192.0.2.1", noon)
	}
	assert.Equal(t, fail(a, "jun", "192.0.2.1", noon), gateway.CodeRateLimited, "the same in IPv6's form")
}

func TestAttemptsOfOneAddressForManyNames(t *testing.T) {
	a := newAttempts(attemptsKept)
	for i := range attemptsFrom {
		assert.Equal(t, fail(a, fmt.Sprint("user", i), "192.0.2.1", noon), "")
	}
	assert.Equal(t, fail(a, "one more", "192.0.2.1", noon), gateway.CodeRateLimited)
	assert.Equal(t, fail(a, "one more", "192.0.2.2", noon), "")
}

func TestAttemptsOfManyAddressesForOneName(t *testing.T) {
	a := newAttempts(attemptsKept)
	settle, err := a.Begin(context.Background(), "mina", "198.51.100.1", noon)
	assert.NoError(t, err)
	settle(Proven) // her own place
	for i := range attemptsAnywhere {
		assert.Equal(t, fail(a, "mina", fmt.Sprintf("192.0.2.%d", i), noon), "")
	}
	assert.Equal(t, fail(a, "mina", "203.0.113.1", noon), gateway.CodeRateLimited)
	assert.Equal(t, fail(a, "mina", "198.51.100.1", noon), "", "she is not locked out by others")
}

func TestAttemptsThatSucceedAreNotCounted(t *testing.T) {
	a := newAttempts(attemptsKept)
	for i := range 3 * attemptsFrom {
		settle, err := a.Begin(context.Background(), "mina", "192.0.2.1", noon)
		assert.NoError(t, err)
		settle(Outcome(i%2 == 0))
	}
	for range attemptsHere {
		assert.Equal(t, fail(a, "mina", "192.0.2.1", noon), "")
	}
	assert.Equal(t, fail(a, "mina", "192.0.2.1", noon), gateway.CodeRateLimited)
}

func TestAFloodOfNamesDoesNotGrowMemory(t *testing.T) {
	const most = 1000
	a := newAttempts(most)
	for i := range 5 * most {
		fail(a, fmt.Sprint("user", i), fmt.Sprintf("10.%d.%d.%d", i>>16&255, i>>8&255, i&255), noon)
	}
	assert.True(t, a.by.Len() <= most, a.by.Len())
}

// Several tokens hold at a time, so that they can be changed one after the other; and none
// holds where none is set.
func TestServices(t *testing.T) {
	for _, c := range []struct {
		tokens []string
		header string
		want   bool
	}{
		{[]string{"first of two tokens", "second of two tokens"}, "Bearer first of two tokens", true},
		{[]string{"first of two tokens", "second of two tokens"}, "bearer second of two tokens", true},
		{[]string{"first of two tokens"}, "Bearer first of two token", false},
		{[]string{"first of two tokens"}, "Bearer first of two tokens!", false},
		{[]string{"first of two tokens"}, "Basic first of two tokens", false},
		{[]string{"first of two tokens"}, "first of two tokens", false},
		{[]string{"first of two tokens"}, "", false},
		{nil, "Bearer x", false},
		{nil, "Bearer ", false},
		{[]string{""}, "Bearer ", false},
	} {
		s, err := serviceOf(hashed(c.tokens), c.header)
		if !c.want {
			assert.Equal(t, gateway.CodeOf(err), gateway.CodeUnauthorized, c.header)
			continue
		}
		assert.NoError(t, err)
		_, token, _ := strings.Cut(c.header, " ")
		same, err := serviceOf(hashed([]string{token}), c.header)
		assert.NoError(t, err)
		assert.True(t, s == same && s.Name != "", "whatever others there are")
	}
}
