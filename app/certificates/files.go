// Package certificates has the certificates that TLS shows: from files, which are read again
// when they change, or got by ACME (RFC 8555).
package certificates

import (
	"crypto/tls"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"
)

// look is how often, at most, the files are looked at.
const look = 10 * time.Second

// Files are a certificate and its key in two files. What changes there is shown to who comes
// a few seconds later, without a restart. Its methods are safe for concurrent use.
type Files struct {
	cert, key string
	log       *slog.Logger

	mu      sync.Mutex
	shown   *tls.Certificate
	from    [2]fs.FileInfo // what was read last, whether it could be used or not
	looked  time.Time
	trouble bool // the files have changed and cannot be used
}

// FromFiles reads a certificate, with its chain, and its private key, both PEM. Logs may be
// nil.
func FromFiles(cert, key string, log *slog.Logger) (*Files, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	f := &Files{cert: cert, key: key, log: log, looked: time.Now()}
	return f, f.read()
}

// TLS returns a configuration that shows the certificate.
func (f *Files) TLS() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return f.current(time.Now()), nil },
	}
}

// Reload reads the files now, whether they seem to have changed or not. After an error the
// certificate from before is shown on.
func (f *Files) Reload() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.again()
}

// current looks at the files when that was some time ago.
func (f *Files) current(now time.Time) *tls.Certificate {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now.Sub(f.looked) >= look {
		f.looked = now
		if f.changed() {
			_ = f.again() // which has logged what came of it
		}
	}
	return f.shown
}

func (f *Files) again() error {
	err := f.read()
	switch {
	case err == nil:
		f.log.Info("tls: the certificate was read again", "file", f.cert, "until", f.shown.Leaf.NotAfter)
	case !f.trouble: // once: whoever writes two files does it one after the other
		f.log.Error("tls: the certificate cannot be read, the one from before is shown on", "error", err)
	}
	f.trouble = err != nil
	return err
}

// changed reports whether the files are others than those that were read, or cannot be used
// as they are. A link that leads to another file counts as another file.
func (f *Files) changed() bool {
	if f.trouble {
		return true
	}
	for i, info := range f.stat() {
		if before := f.from[i]; info != nil && (before == nil || !os.SameFile(before, info) ||
			!before.ModTime().Equal(info.ModTime()) || before.Size() != info.Size()) {
			return true
		}
	}
	return false
}

func (f *Files) stat() (infos [2]fs.FileInfo) {
	for i, name := range []string{f.cert, f.key} {
		infos[i], _ = os.Stat(name)
	}
	return infos
}

func (f *Files) read() error {
	from := f.stat() // before reading: what comes meanwhile is seen the next time
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err == nil && pair.Leaf == nil {
		err = errors.New("there is no certificate in it")
	}
	if err != nil {
		return err
	}
	f.shown, f.from = &pair, from
	return nil
}
