package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Claims is what a token says that was verified (RFC 7519, 4.1).
type Claims struct {
	Issuer    string    // iss
	Subject   string    // sub
	Audience  []string  // aud
	ID        string    // jti
	Expires   time.Time // exp; zero where there is none
	NotBefore time.Time // nbf; zero where there is none
	Issued    time.Time // iat; zero where there is none

	raw json.RawMessage
}

// Decode decodes all claims, the application's own among them.
func (c *Claims) Decode(target any) error {
	if err := json.Unmarshal(c.raw, target); err != nil {
		return fmt.Errorf("auth: claims: %w", err)
	}
	return nil
}

// UnmarshalJSON reads the claims of a token.
func (c *Claims) UnmarshalJSON(text []byte) error {
	// By way of a map, whose names are exact: encoding/json would take "SUB" for "sub", and
	// an issuer that lets people choose further claims does not count on that.
	var all map[string]json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		return errClaims
	}
	if all == nil {
		return errClaims
	}
	read := Claims{raw: append(json.RawMessage(nil), text...)}
	for name, target := range map[string]*string{"iss": &read.Issuer, "sub": &read.Subject, "jti": &read.ID} {
		if raw, ok := all[name]; ok && json.Unmarshal(raw, target) != nil {
			return errClaims
		}
	}
	for name, target := range map[string]*time.Time{"exp": &read.Expires, "nbf": &read.NotBefore, "iat": &read.Issued} {
		if raw, ok := all[name]; ok && !date(raw, target) {
			return errClaims
		}
	}
	if raw, ok := all["aud"]; ok {
		var one string
		if json.Unmarshal(raw, &one) == nil {
			if string(raw) != "null" {
				read.Audience = []string{one}
			}
		} else if json.Unmarshal(raw, &read.Audience) != nil {
			return errClaims
		}
	}
	*c = read
	return nil
}

var errClaims = errors.New("auth: the claims cannot be read")

// lastDate is the end of the year 9999, the last that JSON has a text for.
const lastDate = 253402300799

// date reads a NumericDate: seconds, possibly with a fraction.
func date(raw json.RawMessage, target *time.Time) bool {
	if string(raw) == "null" {
		return true
	}
	var seconds float64
	if json.Unmarshal(raw, &seconds) != nil || seconds < 0 || seconds > lastDate {
		return false
	}
	whole, fraction := math.Modf(seconds)
	*target = time.Unix(int64(whole), int64(fraction*1e6)*1e3) // a float has no more than microseconds
	return true
}

// checked are claims as golang-jwt checks them.
type checked struct{ *Claims }

func numeric(t time.Time) (*jwt.NumericDate, error) {
	if t.IsZero() {
		return nil, nil
	}
	return &jwt.NumericDate{Time: t}, nil
}

func (c checked) GetExpirationTime() (*jwt.NumericDate, error) { return numeric(c.Expires) }
func (c checked) GetNotBefore() (*jwt.NumericDate, error)      { return numeric(c.NotBefore) }
func (c checked) GetIssuedAt() (*jwt.NumericDate, error)       { return numeric(c.Issued) }
func (c checked) GetIssuer() (string, error)                   { return c.Issuer, nil }
func (c checked) GetSubject() (string, error)                  { return c.Subject, nil }
func (c checked) GetAudience() (jwt.ClaimStrings, error)       { return c.Audience, nil }
