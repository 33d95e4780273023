package socketio

import (
	"context"
	"net/http/httptest"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/wstest"
)

// A socket that ends while a middleware still thinks was never there: what its client
// sent meanwhile is handled by nobody, also where the one who ends it is slow.
func TestNoEventIsHandledOfWhoWasNotAdmitted(t *testing.T) {
	srv := NewServer(nil)
	host := httptest.NewServer(srv)
	defer host.Close()
	defer func() { assert.NoError(t, srv.Shutdown(t.Context())) }()
	asked, refused := make(chan *Socket), make(chan struct{})
	srv.Use(func(_ context.Context, s *Socket) error {
		asked <- s
		<-s.Context().Done()
		return nil
	})
	srv.On("e", func(context.Context, *Event) error {
		t.Error("an event was handled")
		return nil
	})
	c := wstest.Dial(t, host.URL+"/socket.io/?EIO=4&transport=websocket")
	c.Next(t) // OPEN
	assert.NoError(t, c.SendText("40"))
	s := <-asked
	assert.NoError(t, c.SendText(`42["e"]`))
	assert.NoError(t, c.SendText("40/unknown,"))
	c.Expect(t, `44/unknown,{"message":"Invalid namespace"}`) // so the event waits, too
	s.conn.mu.Lock()
	go func() { s.Disconnect(false); close(refused) }() // waits for the lock half way
	assert.Eventually(t, func() bool {
		s.mailbox.mu.Lock()
		defer s.mailbox.mu.Unlock()
		return !s.mailbox.working
	}, "the mailbox is worked off")
	s.conn.mu.Unlock()
	<-refused
	c.Expect(t, "41")
}
