package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
)

// Algorithm is how tokens are signed (RFC 7518, 3.1; RFC 8037).
type Algorithm string

// The algorithms that there are.
const (
	AlgorithmHS256 Algorithm = "HS256" // HMAC with SHA-256: who can verify can sign
	AlgorithmRS256 Algorithm = "RS256" // RSASSA-PKCS1-v1_5 with SHA-256
	AlgorithmES256 Algorithm = "ES256" // ECDSA on P-256 with SHA-256
	AlgorithmEdDSA Algorithm = "EdDSA" // Ed25519
)

// minSecret and minModulus are what RFC 7518 asks for (3.2, 3.3); a modulus over maxModulus
// bits costs more to verify than anybody needs.
const (
	minSecret  = 32
	minModulus = 2048
	maxModulus = 8192
)

// Key verifies the signatures of one algorithm. It is a value; the zero value is no key.
// What is wrong with one is told when the app is made.
type Key struct {
	id        string
	algorithm Algorithm
	material  any // as golang-jwt has it for the algorithm
	err       error
}

// HS256 is a secret shared with whoever signs, of at least 32 bytes.
func HS256(secret []byte) Key {
	k := Key{algorithm: AlgorithmHS256, material: slices.Clone(secret)}
	if len(secret) < minSecret {
		k.err = fmt.Errorf("a secret of %d bytes is too short: HS256 takes at least %d", len(secret), minSecret)
	}
	return k
}

// RS256 is an RSA key of 2,048 to 8,192 bits.
func RS256(public *rsa.PublicKey) Key {
	k := Key{algorithm: AlgorithmRS256, material: public}
	switch {
	case public == nil || public.N == nil:
		k.err = errors.New("the RSA key is nil")
	case public.N.BitLen() < minModulus || public.N.BitLen() > maxModulus:
		k.err = fmt.Errorf("an RSA key of %d bits: %d to %d are taken", public.N.BitLen(), minModulus, maxModulus)
	case public.E < 3 || public.E%2 == 0:
		k.err = fmt.Errorf("an RSA key with the exponent %d", public.E)
	}
	return k
}

// ES256 is a key on the curve P-256.
func ES256(public *ecdsa.PublicKey) Key {
	k := Key{algorithm: AlgorithmES256, material: public}
	if public == nil || public.Curve != elliptic.P256() {
		k.err = errors.New("the ECDSA key is not on P-256")
		//lint:ignore SA1019 The point's methods panic without them.
	} else if public.X == nil || public.Y == nil {
		k.err = errors.New("the ECDSA key has no point")
	} else if _, err := public.ECDH(); err != nil {
		k.err = errors.New("the ECDSA key is no point of P-256")
	}
	return k
}

// EdDSA is an Ed25519 key.
func EdDSA(public ed25519.PublicKey) Key {
	k := Key{algorithm: AlgorithmEdDSA, material: slices.Clone(public)}
	if len(public) != ed25519.PublicKeySize {
		k.err = fmt.Errorf("an Ed25519 key of %d bytes", len(public))
	}
	return k
}

// PEM reads a public key or a certificate in PEM; its kind decides about the algorithm.
func PEM(text []byte) Key {
	block, _ := pem.Decode(text)
	if block == nil {
		return Key{err: errors.New("there is no PEM block")}
	}
	var public any
	var err error
	switch block.Type {
	case "PUBLIC KEY":
		public, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		public, err = x509.ParsePKCS1PublicKey(block.Bytes)
	case "CERTIFICATE":
		var c *x509.Certificate
		if c, err = x509.ParseCertificate(block.Bytes); err == nil {
			public = c.PublicKey
		}
	default:
		err = fmt.Errorf("the PEM block %q is no public key", block.Type)
	}
	if err != nil {
		return Key{err: err}
	}
	return publicKey(public)
}

func publicKey(public any) Key {
	switch public := public.(type) {
	case *rsa.PublicKey:
		return RS256(public)
	case *ecdsa.PublicKey:
		return ES256(public)
	case ed25519.PublicKey:
		return EdDSA(public)
	}
	return Key{err: fmt.Errorf("a %T verifies none of the algorithms", public)}
}

// WithID gives the key an id: tokens that name another one (kid) are not tried with it.
// A key without an id is tried with all.
func (k Key) WithID(id string) Key {
	k.id = id
	return k
}

// Algorithm returns what the key verifies.
func (k Key) Algorithm() Algorithm { return k.algorithm }

// ID returns the key's id, "" for none.
func (k Key) ID() string { return k.id }

// fits reports whether a token with this header may have been signed with the key.
func (k Key) fits(h Header) bool {
	return k.err == nil && k.algorithm == h.Algorithm && (k.id == h.KeyID || k.id == "" || h.KeyID == "")
}

// Header is what a token says of its signature, and nobody has verified.
type Header struct {
	Algorithm Algorithm // one of those accepted
	KeyID     string    // kid, "" for none
}

// KeySource finds the keys that a token may have been signed with; those of other algorithms
// and ids are ignored. No key means that the token's is not known. An error means that it
// could not be found out, and the client may try again. It is called for many clients at
// once; ctx ends with the client's patience.
type KeySource interface {
	Keys(ctx context.Context, h Header) ([]Key, error)
}

// KeyFunc is a [KeySource] that is a function. It names its algorithms in
// [Options].Algorithms.
type KeyFunc func(ctx context.Context, h Header) ([]Key, error)

// Keys implements [KeySource].
func (f KeyFunc) Keys(ctx context.Context, h Header) ([]Key, error) { return f(ctx, h) }

type fixed []Key

// Fixed are keys that do not change: more than one while one is replaced by another, or for
// several algorithms.
func Fixed(keys ...Key) KeySource { return fixed(slices.Clone(keys)) }

func (f fixed) Keys(_ context.Context, h Header) (fit []Key, _ error) {
	for _, k := range f {
		if k.fits(h) {
			fit = append(fit, k)
		}
	}
	return fit, nil
}

func (f fixed) algorithms() (all []Algorithm) {
	for _, k := range f {
		if !slices.Contains(all, k.algorithm) {
			all = append(all, k.algorithm)
		}
	}
	return all
}

func (f fixed) check() error {
	if len(f) == 0 {
		return errors.New("there is no key")
	}
	for i, k := range f {
		switch {
		case k.err != nil:
			return fmt.Errorf("key %d: %w", i+1, k.err)
		case k.algorithm == "":
			return fmt.Errorf("key %d is no key", i+1)
		}
	}
	return nil
}
