package server

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/kachi-io/kachi/app/demo"
)

// source is where the database is.
func (s *Server) source() string {
	if s.opts.Database != "" {
		return s.opts.Database
	}
	return filepath.Join(s.opts.Data, "kachi.db")
}

// exposed reports whether the folder of pages would show the server's own data to everybody.
func (s *Server) exposed() error {
	resolved := func(path string) (string, error) {
		path, err := filepath.Abs(path)
		if err != nil {
			return "", err
		}
		if real, err := filepath.EvalSymlinks(path); err == nil { // it may not be there yet
			path = real
		}
		return path, nil
	}
	data, err := resolved(s.opts.Data)
	static, failed := resolved(s.opts.Static)
	if err = errors.Join(err, failed); err != nil {
		return err
	}
	if within, err := filepath.Rel(static, data); err == nil && filepath.IsLocal(within) {
		return fmt.Errorf("the folder of pages, %s, has the server's data in it, %s: everybody could fetch them", static, data)
	}
	return nil
}

// secret returns what signs access tokens. One that nobody has given is made once and kept
// with the data, so that sign-ins survive a restart.
func (s *Server) secret() ([]byte, error) {
	if s.opts.Secret != "" {
		return padded(s.opts.Secret), nil
	}
	if err := os.MkdirAll(s.opts.Data, 0o700); err != nil {
		return nil, err
	}
	path := filepath.Join(s.opts.Data, "jwt-secret")
	for range 2 {
		text, err := os.ReadFile(path)
		if err == nil {
			s.keepPrivate(path)
			if secret := strings.TrimSpace(string(text)); len(secret) >= 32 {
				return []byte(secret), nil
			}
			return nil, fmt.Errorf("%s holds no secret of at least 32 bytes: remove it to have one made, and everybody sign in again", path)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if err := keepSecret(path); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%s comes and goes", path)
}

// keepPrivate takes a file from everybody else on the machine: one that was restored by hand
// may be anybody's to read.
func (s *Server) keepPrivate(path string) {
	info, err := os.Stat(path)
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		err = os.Chmod(path, 0o600)
	}
	if err != nil { // on a volume that is mounted to be read, say
		s.log.Warn("others on this machine may be able to read the secret that signs tokens", "file", path, "error", err)
	}
}

// padded has a short secret be as long as HS256 wants it. HMAC fills every key up with zeros
// (RFC 2104, section 2), so that the signatures are the secret's own: other services verify
// them, and sign, with what they were given.
func padded(secret string) []byte {
	return append([]byte(secret), make([]byte, max(0, 32-len(secret)))...)
}

// keepSecret makes the file whole or not at all: one that is half written would be read by
// the next start.
func keepSecret(path string) error {
	b := make([]byte, 32)
	_, _ = rand.Read(b)                                             // never fails
	file, err := os.CreateTemp(filepath.Dir(path), ".jwt-secret-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.WriteString(hex.EncodeToString(b) + "\n")
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Link(file.Name(), path) // fails where somebody was faster
}

// fill puts sample data into a new database.
func (s *Server) fill(ctx context.Context) error {
	err := demo.Fill(ctx, s.db, s.accounts, time.Now())
	if errors.Is(err, demo.ErrNotEmpty) {
		s.log.Warn("demo: there are accounts already, and nothing is added; if they are the sample people, everybody knows their password", "people", demo.Names)
		return nil
	}
	if err == nil {
		s.sampled = true
		s.log.Warn("demo: sample data were added: everybody knows these people's password", "people", demo.Names, "password", demo.Password)
	}
	return err
}
