package websocket_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	coder "github.com/coder/websocket"

	"github.com/kachi-io/kachi/engineio/websocket"
)

// An echo server. The handler returns as soon as the connection is taken over.
func Example() {
	ended := make(chan error)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, &websocket.Options{MaxMessage: 1 << 16})
		if err != nil {
			return // the client has got its answer
		}
		go func() {
			for {
				t, data, err := c.Read()
				if err != nil {
					ended <- err
					return
				}
				_ = c.Send(websocket.NewFrame(t, data)) // an error shows up in Read as well
			}
		}()
	}))
	defer server.Close()

	ctx := context.Background()
	client, _, err := coder.Dial(ctx, server.URL, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = client.Write(ctx, coder.MessageText, []byte("good news"))
	_, answer, _ := client.Read(ctx)
	fmt.Printf("%s\n", answer)
	_ = client.Close(coder.StatusNormalClosure, "bye")

	if closed := new(websocket.CloseError); errors.As(<-ended, &closed) {
		fmt.Println(closed.Code, closed.Reason)
	}
	// Output:
	// good news
	// 1000 bye
}

// A broadcast: the frame is encoded once, whatever the number of receivers.
func ExampleConn_Queue() {
	var room []*websocket.Conn

	f := websocket.NewFrame(websocket.Text, []byte("news for all"))
	for _, c := range room {
		if err := c.Queue(f); errors.Is(err, websocket.ErrFull) {
			_ = c.CloseNow() // this one does not keep up
		}
	}
}

// A frame without a copy of the payload: the room for the header comes first.
func ExampleBuildFrame() {
	buf := make([]byte, websocket.HeaderRoom, 64)
	buf = fmt.Appendf(buf, `{"n":%d}`, 7)
	f := websocket.BuildFrame(websocket.Text, buf)
	fmt.Println(f.Len())
	// Output: 9
}
