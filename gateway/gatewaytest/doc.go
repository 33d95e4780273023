// Package gatewaytest tests gateways as their clients see them, in the manner of
// net/http/httptest: an app in memory, without a port, and clients that ask, wait for
// events, and fail the test in words.
//
//	func TestChat(t *testing.T) {
//		app := gatewaytest.New(t, nil, NewChat(store))
//		mina := app.Dial(t, "/chat", gatewaytest.Auth(map[string]string{"name": "Mina"}))
//		jun := app.Dial(t, "/chat", gatewaytest.Auth(map[string]string{"name": "Jun"}))
//
//		r := gatewaytest.Ask[Receipt](t, mina, "message", Post{Room: 1, Text: "hi"})
//		m := gatewaytest.Next(t, jun, Posted) // a Message, as Posted has it
//		mina.ExpectNone(t)
//		mina.AskError(t, "forbidden", "message", Post{Room: 2, Text: "hi"})
//	}
//
// At the end of the test everything is stopped, and the test fails when something of the
// app still runs.
//
// # Time
//
// In a bubble of testing/synctest the clock is the test's own: it jumps when everybody
// waits. Time-outs, expiry and schedules then have their real lengths and cost nothing:
//
//	synctest.Test(t, func(t *testing.T) {
//		app := gatewaytest.New(t, nil, NewChat(store)) // within the bubble
//		c := app.Dial(t, "/chat")
//		time.Sleep(time.Hour) // passes at once, with all that happens in it
//		c.ExpectDisconnect(t)
//	})
//
// What is used within must be made within: app, clients, stores with timers. Nothing there
// may wait for the network or another process; the clients and the app of this package do
// not.
package gatewaytest
