package client_test

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/kachi-io/kachi/client"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio"
)

func TestConnects(t *testing.T) {
	srv := socketio.NewServer(nil)
	chat := srv.Of("/chat")
	chat.On("echo", func(_ context.Context, e *socketio.Event) error {
		var text string
		if err := e.Decode(&text); err != nil {
			return err
		}
		if err := e.Socket().Emit("said", text, []byte{1, 2}); err != nil {
			return err
		}
		return e.Ack(text)
	})
	host := httptest.NewServer(srv)
	defer host.Close()
	defer srv.Shutdown(context.Background())
	for name, transports := range map[string][]client.Transport{
		"polling":   {client.Polling},
		"websocket": {client.WebSocket},
		"upgrade":   nil,
	} {
		t.Run(name, func(t *testing.T) {
			upgraded := make(chan client.Connection, 1)
			failed := make(chan error, 1)
			said := make(chan string, 1)
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			s, err := client.Connect(ctx, host.URL+"/chat", &client.Options{
				Transports: transports,
				Hooks: client.Hooks{
					Upgraded:      func(c client.Connection) { upgraded <- c },
					UpgradeFailed: func(err error) { failed <- err },
				},
			}, func(s *client.Socket) {
				client.On(s, "said", func(_ context.Context, text string) { said <- text })
			})
			assert.NoError(t, err)
			answer, err := client.Ask[string](ctx, s, "echo", "hello")
			assert.NoError(t, err)
			assert.Equal(t, answer, "hello")
			assert.Equal(t, assert.Receive(t, said), "hello")
			if transports == nil {
				select {
				case c := <-upgraded:
					assert.Equal(t, c.Transport, client.WebSocket)
				case err := <-failed:
					t.Fatal(err)
				}
				answer, err = client.Ask[string](ctx, s, "echo", "again")
				assert.NoError(t, err)
				assert.Equal(t, answer, "again")
			}
			assert.NoError(t, s.Client().Close())
			<-s.Client().Done()
			assert.Equal(t, s.State(), client.StateClosed)
		})
	}
}
