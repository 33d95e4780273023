package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
)

// Keys are a person's: the private one never leaves the device that made it.
type Keys struct{ private *ecdh.PrivateKey }

// NewKeys makes keys.
func NewKeys() (Keys, error) {
	private, err := ecdh.X25519().GenerateKey(rand.Reader)
	return Keys{private}, err
}

// Public is what others need, to write to the person and to know who has written.
func (k Keys) Public() []byte { return k.private.PublicKey().Bytes() }

// Fingerprint is what two people compare by another way, by telephone say: whoever relays
// public keys could hand out its own.
func Fingerprint(public []byte) string {
	sum := sha256.Sum256(public)
	return hex.EncodeToString(sum[:8])
}

var errSealed = errors.New("sealed: not for these keys, or changed on the way")

// Seal writes to somebody. about is not secret, but cannot be changed on the way: who writes
// to whom.
func (k Keys) Seal(to []byte, about string, text []byte) ([]byte, error) {
	box, err := k.box(to)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, box.NonceSize())
	_, _ = rand.Read(nonce)
	return box.Seal(nonce, nonce, text, []byte(about)), nil
}

// Open reads what somebody has sealed for these keys about the same.
func (k Keys) Open(from []byte, about string, sealed []byte) ([]byte, error) {
	box, err := k.box(from)
	if err != nil {
		return nil, err
	}
	if len(sealed) < box.NonceSize() {
		return nil, errSealed
	}
	nonce, rest := sealed[:box.NonceSize()], sealed[box.NonceSize():]
	text, err := box.Open(nil, nonce, rest, []byte(about))
	if err != nil {
		return nil, errSealed
	}
	return text, nil
}

// box is what the two have in common: X25519 (RFC 7748), HKDF with SHA-256 (RFC 5869),
// AES-256-GCM with random nonces, good for some four thousand million messages.
func (k Keys) box(other []byte) (cipher.AEAD, error) {
	public, err := ecdh.X25519().NewPublicKey(other)
	if err != nil {
		return nil, errSealed
	}
	shared, err := k.private.ECDH(public)
	if err != nil {
		return nil, errSealed
	}
	key, err := hkdf.Key(sha256.New, shared, nil, "kachi example: sealed", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
