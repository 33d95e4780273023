package auth

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
)

// maxKeys bounds the keys of a set: a token without a kid is tried with all of its
// algorithm.
const maxKeys = 64

// jwk is a key as RFC 7517 and RFC 7518, 6 write it.
type jwk struct {
	Kty    string   `json:"kty"`
	Use    string   `json:"use"`
	KeyOps []string `json:"key_ops"`
	Alg    string   `json:"alg"`
	Kid    string   `json:"kid"`
	Crv    string   `json:"crv"`
	N      string   `json:"n"`
	E      string   `json:"e"`
	X      string   `json:"x"`
	Y      string   `json:"y"`
}

// parseSet reads a key set. Keys of other kinds and uses are left out, as RFC 7517, 5 has
// it; secrets (oct) too, which nobody publishes.
func parseSet(text []byte) ([]Key, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, fmt.Errorf("the key set cannot be read: %w", err)
	}
	if len(set.Keys) > maxKeys {
		return nil, fmt.Errorf("%d keys in one set: at most %d are taken", len(set.Keys), maxKeys)
	}
	var keys []Key
	for _, raw := range set.Keys {
		var j jwk
		if json.Unmarshal(raw, &j) != nil {
			continue
		}
		if k := j.key(); k.err == nil {
			keys = append(keys, k.WithID(j.Kid))
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("there is no key in the set that could verify a token")
	}
	return keys, nil
}

func (j *jwk) key() Key {
	unusable := Key{err: errors.New("for something else")}
	if j.Use != "" && j.Use != "sig" || j.KeyOps != nil && !slices.Contains(j.KeyOps, "verify") {
		return unusable
	}
	k := unusable
	switch {
	case j.Kty == "RSA":
		n, e := number(j.N), number(j.E)
		if n == nil || e == nil || e.BitLen() > 31 {
			return unusable
		}
		k = RS256(&rsa.PublicKey{N: n, E: int(e.Int64())})
	case j.Kty == "EC" && j.Crv == "P-256":
		x, y := octets(j.X), octets(j.Y)
		if len(x) != 32 || len(y) != 32 {
			return unusable
		}
		public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, x, y))
		if err != nil {
			return unusable
		}
		k = ES256(public)
	case j.Kty == "OKP" && j.Crv == "Ed25519":
		k = EdDSA(ed25519.PublicKey(octets(j.X)))
	}
	if j.Alg != "" && j.Alg != string(k.algorithm) && (j.Alg != "Ed25519" || k.algorithm != AlgorithmEdDSA) {
		return unusable
	}
	return k
}

func octets(text string) []byte {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	return b
}

func number(text string) *big.Int {
	b := octets(text)
	if len(b) == 0 || len(b) > maxModulus/8+1 {
		return nil
	}
	return new(big.Int).SetBytes(b)
}
