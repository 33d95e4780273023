package main

import (
	"bytes"
	"context"
	"testing"

	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/client"
	"github.com/kachi-io/kachi/examples/exampletest"
	"github.com/kachi-io/kachi/examples/people"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// person is a client with its keys.
type person struct {
	name    string
	keys    Keys
	socket  *client.Socket
	letters chan Letter
}

func join(t *testing.T, url string, known *people.People, name string) *person {
	t.Helper()
	keys, err := NewKeys()
	assert.NoError(t, err)
	p := &person{name: name, keys: keys, letters: make(chan Letter, 10)}
	p.socket, err = client.Connect(t.Context(), url+"/sealed", &client.Options{
		Socket: client.SocketOptions{Auth: map[string]string{"token": known.Token(name)}},
	}, func(s *client.Socket) {
		client.On(s, "letter", func(_ context.Context, l Letter) { p.letters <- l })
	})
	assert.NoError(t, err)
	t.Cleanup(func() { _ = p.socket.Client().Close() })
	_, err = client.Ask[any](t.Context(), p.socket, "publishKey", keys.Public())
	assert.NoError(t, err)
	return p
}

// write seals a letter and sends it.
func (p *person) write(t *testing.T, to, text string) {
	t.Helper()
	key, err := client.Ask[[]byte](t.Context(), p.socket, "keyOf", to)
	assert.NoError(t, err)
	sealed, err := p.keys.Seal(key, p.name+" to "+to, []byte(text))
	assert.NoError(t, err)
	_, err = client.Ask[any](t.Context(), p.socket, "send", Letter{From: "nobody", To: to, Sealed: sealed})
	assert.NoError(t, err)
}

// read opens the next letter.
func (p *person) read(t *testing.T, change func(*Letter)) (string, error) {
	t.Helper()
	letter := assert.Receive(t, p.letters)
	key, err := client.Ask[[]byte](t.Context(), p.socket, "keyOf", letter.From)
	assert.NoError(t, err)
	if change != nil {
		change(&letter)
	}
	text, err := p.keys.Open(key, letter.From+" to "+p.name, letter.Sealed)
	return string(text), err
}

func TestTheServerRelaysWhatItCannotRead(t *testing.T) {
	const secret = "the nest is in the third poplar"
	known := people.New("Mina", "Jun", "Eve")
	seen := 0
	look := gateway.Guard(func(c *gateway.Call) error {
		for _, part := range append(c.Args().Raw, c.Args().Attachments...) {
			seen++
			assert.True(t, !bytes.Contains(part, []byte("poplar")))
		}
		return nil
	})
	app, err := gateway.NewApp(&gateway.Options{Use: []gateway.Layer{look}}, NewRelay(known))
	assert.NoError(t, err)
	url := exampletest.Serve(t, app, nil)
	mina, jun, eve := join(t, url, known, "Mina"), join(t, url, known, "Jun"), join(t, url, known, "Eve")

	mina.write(t, "Jun", secret)
	text, err := jun.read(t, nil)
	assert.NoError(t, err)
	assert.Equal(t, text, secret)
	assert.True(t, seen > 0)

	for name, change := range map[string]func(*Letter){
		"a bit is changed":   func(l *Letter) { l.Sealed[len(l.Sealed)-1] ^= 1 },
		"it is cut short":    func(l *Letter) { l.Sealed = l.Sealed[:20] },
		"nothing is left":    func(l *Letter) { l.Sealed = nil },
		"somebody else's":    func(l *Letter) { l.From = "Eve" },
		"meant for somebody": func(l *Letter) { l.From = "Mina to Eve" },
	} {
		t.Run(name, func(t *testing.T) {
			mina.write(t, "Jun", secret)
			_, err := jun.read(t, change)
			assert.ErrorIs(t, err, errSealed)
		})
	}

	t.Run("somebody else cannot open it", func(t *testing.T) {
		sealed, err := mina.keys.Seal(jun.keys.Public(), "Mina to Jun", []byte(secret))
		assert.NoError(t, err)
		_, err = eve.keys.Open(mina.keys.Public(), "Mina to Jun", sealed)
		assert.ErrorIs(t, err, errSealed)
	})
	t.Run("a letter to nobody, and one that is too long", func(t *testing.T) {
		for code, letter := range map[string]Letter{
			gateway.CodeNotFound: {To: "Sora", Sealed: []byte{1}},
			gateway.CodeInvalid:  {To: "Jun", Sealed: make([]byte, maxLetter+1)},
		} {
			_, err := client.Ask[any](t.Context(), mina.socket, "send", letter)
			assert.Equal(t, assert.ErrorAs[*client.Error](t, err).Code, code)
		}
	})
	t.Run("keys stay", func(t *testing.T) {
		_, err := client.Ask[any](t.Context(), eve.socket, "publishKey", mina.keys.Public())
		assert.Equal(t, assert.ErrorAs[*client.Error](t, err).Code, gateway.CodeConflict)
		assert.True(t, Fingerprint(mina.keys.Public()) != Fingerprint(eve.keys.Public()))
	})
}
