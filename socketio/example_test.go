package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/kachi-io/kachi/socketio"
)

// A whole server.
func Example() {
	srv := socketio.NewServer(&socketio.Options{AllowedOrigins: []string{"https://example.com"}})
	srv.On("join", func(_ context.Context, e *socketio.Event) error {
		var room string
		if err := e.Decode(&room); err != nil {
			return err // the client is told what is wrong with its argument
		}
		e.Socket().Join(room)
		return e.Ack(room)
	})
	srv.On("message", func(_ context.Context, e *socketio.Event) error {
		var room, text string
		if err := e.Decode(&room, &text); err != nil {
			return err
		}
		return e.Socket().To(room).Emit("message", text)
	})
	http.Handle("/socket.io/", srv)
	// log.Fatal(http.ListenAndServe(":3000", nil))
}

// A middleware decides who is admitted, and leaves what it learned with the socket.
func ExampleNamespace_Use() {
	srv := socketio.NewServer(nil)
	admin := srv.Of("/admin")
	admin.Use(func(_ context.Context, s *socketio.Socket) error {
		if s.Handshake().Header().Get("Authorization") != "Bearer letmein" {
			return socketio.NewError("unauthorized", "Sign in first")
		}
		s.SetData("administrator")
		return nil
	})
	admin.OnConnect(func(_ context.Context, s *socketio.Socket) error {
		s.Join(fmt.Sprint("role:", s.Data()))
		return nil
	})
}

// A namespace for each team, which exists while somebody is in it.
func ExampleServer_Dynamic() {
	srv := socketio.NewServer(nil)
	teams := srv.Dynamic("/team-{id}", &socketio.DynamicOptions{MaxNamespaces: 1000})
	teams.Use(func(_ context.Context, s *socketio.Socket) error {
		if s.Namespace().Param("id") != s.Handshake().Query().Get("team") {
			return socketio.NewError("forbidden", "You are not of this team")
		}
		return nil
	})
	teams.On("say", func(_ context.Context, e *socketio.Event) error {
		var text string
		if err := e.Decode(&text); err != nil {
			return err
		}
		return e.Socket().Namespace().Emit("said", text) // to this team
	})
	_ = teams.Emit("closing", "in five minutes") // to all teams

	// One team, from outside, wherever its clients are connected.
	err := teams.Visit(context.Background(), "/team-7", func(_ context.Context, team *socketio.Namespace) error {
		fmt.Println(team.Name(), team.Param("id"))
		return team.Emit("news", "for team 7")
	})
	fmt.Println(err)
	// Output:
	// /team-7 7
	// <nil>
}

// Ask waits for the client's acknowledgement, here inside a handler, and decodes it.
func ExampleAsk() {
	srv := socketio.NewServer(nil)
	srv.On("delete", func(ctx context.Context, e *socketio.Event) error {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		sure, err := socketio.Ask[bool](ctx, e.Socket(), "are-you-sure")
		switch {
		case errors.Is(err, socketio.ErrAckTimeout):
			return socketio.NewError("no_answer", "Nothing was deleted")
		case err != nil:
			return err
		}
		return e.Ack(sure)
	})
}

// A broadcast that asks tells who answered and who did not.
func ExampleBroadcast_Ask() {
	srv := socketio.NewServer(nil)
	answers, err := srv.To("voters").Timeout(5*time.Second).Ask(context.Background(), "vote", "lunch?")
	if err != nil {
		log.Print(err) // what came in time is there nevertheless
	}
	for _, a := range answers.Answers {
		var choice string
		if a.Decode(&choice) == nil {
			fmt.Println(a.Socket, choice)
		}
	}
	fmt.Println("without an answer:", answers.MissingCount)
	// Output: without an answer: 0
}

// Selections are values: they can be kept, refined and shared.
func ExampleBroadcast() {
	srv := socketio.NewServer(nil)
	team := srv.To("team-1", "team-2")
	_ = team.Emit("news", "for both teams, once for each member")
	_ = team.Except("muted").Volatile().Emit("position", 1, 2)
}

// A second socket of the same user ends the first.
func ExampleNamespace_OnConnect() {
	srv := socketio.NewServer(nil)
	srv.OnConnect(func(_ context.Context, s *socketio.Socket) error {
		user := "user:" + s.Handshake().Query().Get("user")
		if err := s.To(user).Disconnect(true); err != nil {
			return err
		}
		s.Join(user)
		return nil
	})
	srv.OnDisconnecting(func(_ context.Context, s *socketio.Socket, reason socketio.Reason) error {
		return s.To(s.Rooms()...).Emit("left", s.ID(), reason)
	})
}

func ExampleServer_Shutdown() {
	srv := socketio.NewServer(nil)
	host := &http.Server{Addr: ":3000", Handler: srv}
	// go host.ListenAndServe() … and when the process is to end:
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	fmt.Println(errors.Join(srv.Shutdown(ctx), host.Shutdown(ctx)))
	// Output: <nil>
}
