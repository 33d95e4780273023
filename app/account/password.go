package account

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/kachi-io/kachi/gateway"
)

// The cost of a password's hash (argon2id), as OWASP's password storage cheat sheet has
// it for servers: 19 MiB of memory, two passes, one lane. It is part of each hash, so that it can be
// raised.
const (
	argonMemory = 19 << 10 // KiB
	argonTime   = 2
	argonLanes  = 1
	argonKey    = 32
	argonSalt   = 16
)

// passwords hashes and compares. A hash takes 19 MiB and a good part of a processor for some
// 20 ms, so that only so many are made at once; so many callers wait, each so long, and
// further ones are sent away.
type passwords struct {
	turns, waiting chan struct{}
	patience       time.Duration
}

const (
	atOnce   = 2
	inWait   = 128
	patience = 10 * time.Second
)

func newPasswords() *passwords {
	return &passwords{make(chan struct{}, atOnce), make(chan struct{}, inWait), patience}
}

var errBusy = gateway.NewError(gateway.CodeOverloaded, "Too many people sign in at this moment: try again in a few seconds")

func (p *passwords) turn(ctx context.Context) error {
	select {
	case p.turns <- struct{}{}: // never past those that wait: a turn goes to them directly
		return nil
	default:
	}
	select {
	case p.waiting <- struct{}{}:
		defer func() { <-p.waiting }()
	default:
		return errBusy
	}
	enough := time.NewTimer(p.patience)
	defer enough.Stop()
	select {
	case p.turns <- struct{}{}:
		return nil
	case <-enough.C:
		return errBusy
	case <-ctx.Done():
		return ctx.Err()
	}
}

// hash returns the hash of a password in PHC form: $argon2id$v=19$m=…,t=…,p=…$salt$key.
func (p *passwords) hash(ctx context.Context, password string) (string, error) {
	if err := p.turn(ctx); err != nil {
		return "", err
	}
	defer func() { <-p.turns }()
	salt := make([]byte, argonSalt)
	_, _ = rand.Read(salt) // never fails
	return phc(salt, argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonLanes, argonKey)), nil
}

func phc(salt, key []byte) string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonLanes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key))
}

// hashOfNobody is a hash that no known password has, at the price of none: a server that
// starts does not begin with 19 MiB.
func hashOfNobody() string {
	salt, key := make([]byte, argonSalt), make([]byte, argonKey)
	_, _ = rand.Read(salt)
	_, _ = rand.Read(key)
	return phc(salt, key)
}

var errHash = errors.New("account: a stored password's hash cannot be read")

// matches reports whether a password is the one of a hash.
func (p *passwords) matches(ctx context.Context, password, hash string) (bool, error) {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false, errHash
	}
	var version int
	var memory, passes uint32
	var lanes uint8
	if _, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &memory, &passes, &lanes); err != nil || version != argon2.Version {
		return false, errHash
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	key, failed := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil || failed != nil || len(key) == 0 || passes == 0 || passes > 16 || lanes == 0 || memory > 256<<10 {
		return false, errHash
	}
	if err := p.turn(ctx); err != nil {
		return false, err
	}
	defer func() { <-p.turns }()
	return subtle.ConstantTimeCompare(key, argon2.IDKey([]byte(password), salt, passes, memory, lanes, uint32(len(key)))) == 1, nil
}
