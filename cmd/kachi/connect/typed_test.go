//go:build unix

package connect

import (
	"errors"
	"reflect"
	"testing"

	"github.com/creack/pty"
	"golang.org/x/term"

	"github.com/kachi-io/kachi/internal/assert"
)

// A panic leaves the terminal as it was, so that its message can be read.
func TestGuard(t *testing.T) {
	keyboard, terminal, err := pty.Open()
	assert.NoError(t, err)
	defer keyboard.Close()
	defer terminal.Close()
	before, err := term.GetState(int(terminal.Fd()))
	assert.NoError(t, err)
	restore, err := rawMode(terminal, terminal)
	assert.NoError(t, err)
	raw, err := term.GetState(int(terminal.Fd()))
	assert.NoError(t, err)
	assert.True(t, !reflect.DeepEqual(before, raw), "raw mode")
	fault := errors.New("a fault of the program")
	func() {
		defer func() {
			err, _ := recover().(error)
			assert.ErrorIs(t, err, fault, "the panic goes on")
		}()
		defer guardTerminal(restore)()
		panic(fault)
	}()
	after, err := term.GetState(int(terminal.Fd()))
	assert.NoError(t, err)
	assert.True(t, reflect.DeepEqual(before, after), "restored")
}
