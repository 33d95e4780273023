package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio"
	"github.com/kachi-io/kachi/socketio/adapter"
)

const revokedText = `"What was shown has been revoked"`

var (
	thrownOut   = exception("revoked", "What was shown has been revoked")
	notLetIn    = `4/c,{"message":` + revokedText + `,"data":{"status":"error","code":"unauthorized","message":` + revokedText + `,"details":{"reason":"revoked"}}}`
	shutOut     = func(c wire) { c.t.Helper(); c.expect(thrownOut); c.expect("1/c,") }
	undisturbed = func(c wire, name string) {
		c.t.Helper()
		assert.Equal(c.t, c.ask(`["whoami"]`), `["`+name+`"]`)
	}
)

func TestRevokedByPrincipal(t *testing.T) {
	reasons := make(chan gateway.Reason, 10)
	ends := func(g *gateway.Namespace[user]) {
		g.OnDisconnect(func(_ *gateway.Context[user], r gateway.Reason) error { reasons <- r; return nil })
	}
	faked(t, &gateway.Options{TokenLifetime: time.Hour}, passes{}, ends, func(t *testing.T, app *gateway.App, join func(string) wire) {
		time.Sleep(time.Second / 2)
		first, second, other := join(pass("mina t1 0")).admitted(), join(pass("mina t2 0")).admitted(), join(pass("juno t3 0")).admitted()
		ahead := join(pass(fmt.Sprintf("mina t4 0 %d", time.Now().Add(time.Minute).UnixMilli()))).admitted() // by the issuer's clock
		assert.NoError(t, app.Revoke(t.Context(), "mina"))
		for _, c := range []wire{first, second, ahead} {
			shutOut(c)
			assert.Equal(t, <-reasons, gateway.ReasonRevoked)
		}
		undisturbed(other, "juno by t3")
		first.send("0/c," + pass("mina t1 0")) // again, on the same connection
		first.expect(notLetIn)
		now := time.Now()
		join(pass(fmt.Sprintf("mina t5 0 %d", now.UnixMilli()))).expect(notLetIn)
		time.Sleep(time.Millisecond)
		later := join(pass(fmt.Sprintf("mina t6 0 %d", time.Now().UnixMilli()))).admitted() // who has signed in again
		undisturbed(later, "mina by t6")
		time.Sleep(time.Hour)
		join(pass("mina t1 0")).expect(notLetIn) // it may still be admitted by those whose clocks are late
		time.Sleep(gateway.MaxLeeway)
		undisturbed(join(pass("mina t1 0")).admitted(), "mina by t1") // it would have expired by itself
		assert.True(t, app.Revoke(t.Context(), "") != nil)
		assert.True(t, app.RevokeToken(t.Context(), "", time.Time{}) != nil)
	})
}

func TestRevokedByToken(t *testing.T) {
	faked(t, nil, passes{}, nil, func(t *testing.T, app *gateway.App, join func(string) wire) {
		first, second, other := join(pass("mina t1 0")).admitted(), join(pass("mina t1 0")).admitted(), join(pass("mina t2 0")).admitted()
		nobody := join(pass("anonymous t1 0")).admitted() // a token needs no principal
		assert.NoError(t, app.RevokeToken(t.Context(), "t1", time.Now().Add(time.Hour)))
		shutOut(first)
		shutOut(second)
		shutOut(nobody)
		undisturbed(other, "mina by t2")
		join(pass("mina t1 0")).expect(notLetIn)
		// A socket goes with the token that it showed last.
		assert.Equal(t, other.ask(`["refreshToken",`+pass("mina t3 0")+`]`), `[{}]`)
		assert.NoError(t, app.RevokeToken(t.Context(), "t2", time.Time{}))
		undisturbed(other, "mina by t3")
		assert.True(t, strings.Contains(other.ask(`["refreshToken",`+pass("mina t2 0")+`]`), `"reason":"revoked"`))
		undisturbed(other, "mina by t3")
		assert.NoError(t, app.RevokeToken(t.Context(), "t3", time.Time{}))
		shutOut(other)
		time.Sleep(time.Hour + gateway.MaxLeeway)
		undisturbed(join(pass("mina t1 0")).admitted(), "mina by t1")
	})
}

// held is a store that answers when it is told to.
type held struct {
	gateway.Revocations
	asked   chan struct{}
	release chan struct{}
}

func (h *held) Revoked(ctx context.Context, key, token string, issued time.Time) (bool, error) {
	out, err := h.Revocations.Revoked(ctx, key, token, issued)
	h.asked <- struct{}{}
	<-h.release
	return out, err
}

// Nobody comes in between: not who is revoked while it is being admitted, nor a token that
// is being refreshed.
func TestRevokedMeanwhile(t *testing.T) {
	store := &held{}
	var connected, unknown []string
	greets := func(g *gateway.Namespace[user]) {
		g.OnConnect(func(c *gateway.Context[user]) error {
			connected = append(connected, c.Key())
			return nil
		})
		gone := func(c *gateway.Context[user], _ gateway.Reason) error {
			if !slices.Contains(connected, c.Key()) {
				unknown = append(unknown, c.Key())
			}
			return nil
		}
		g.OnDisconnecting(gone)
		g.OnDisconnect(gone)
	}
	faked(t, &gateway.Options{Revocations: store}, passes{}, greets, func(t *testing.T, app *gateway.App, join func(string) wire) {
		slow := make(chan struct{})
		app.Server().Of("/c").Use(func(_ context.Context, s *socketio.Socket) error {
			if strings.Contains(string(s.Auth()), "anna") {
				slow <- struct{}{}
				<-slow
			}
			return nil
		})
		store.Revocations, store.asked, store.release = gateway.NewRevocations(0), make(chan struct{}), make(chan struct{})
		let := func() { store.release <- struct{}{} }
		c := join(pass("mina t1 0"))
		<-store.asked
		assert.NoError(t, app.Revoke(t.Context(), "mina"))
		let()
		c.expect(notLetIn)
		synctest.Wait()
		assert.Equal(t, gateway.Present(app), 0)

		c = join(pass("anna t1 0")) // behind the look, and before it is in
		<-store.asked
		let()
		<-slow
		assert.NoError(t, app.Revoke(t.Context(), "anna"))
		slow <- struct{}{}
		shutOut(c.admitted())
		synctest.Wait()
		assert.Equal(t, gateway.Present(app), 0)
		assert.Equal(t, connected, []string(nil))
		assert.Equal(t, unknown, []string(nil)) // nobody hears of the end of what nobody heard of

		for _, token := range []string{"t2", "t3"} { // the one before, and the one to be
			c = join(pass("juno t2 0"))
			<-store.asked
			let()
			c.admitted()
			c.send(`2/c,1["refreshToken",` + pass("juno t3 0") + `]`)
			<-store.asked
			assert.NoError(t, app.RevokeToken(t.Context(), token, time.Now().Add(time.Second)))
			let()
			shutOut(c)
			synctest.Wait()
			assert.Equal(t, gateway.Present(app), 0)
			time.Sleep(time.Second + gateway.MaxLeeway)
		}

		gone := join(pass("juno t4 0")) // before it was admitted
		<-store.asked
		assert.Equal(t, gateway.Present(app), 2)
		_ = gone.Close()
		synctest.Wait()
		assert.Equal(t, gateway.Present(app), 0)
		let()
	})
}

// broken is a store that cannot be asked.
type broken struct{}

func (broken) Add(context.Context, gateway.Revocation) error { return errors.New("out of order") }
func (broken) Revoked(_ context.Context, key, _ string, _ time.Time) (bool, error) {
	if key == "known" {
		return false, nil
	}
	return false, errors.New("out of order")
}

func TestAStoreThatIsDown(t *testing.T) {
	faked(t, &gateway.Options{Revocations: broken{}}, passes{}, nil, func(t *testing.T, app *gateway.App, join func(string) wire) {
		join(pass("mina t1 0")).expect(`4/c,{"message":"It cannot be said at the moment who you are","data":{"status":"error","code":"unavailable","message":"It cannot be said at the moment who you are"}}`)
		c := join(pass("known t1 0")).admitted()
		err := app.Revoke(t.Context(), "known")
		assert.True(t, err != nil && strings.Contains(err.Error(), "out of order"), err)
		shutOut(c) // all the same
	})
}

func TestRevocationsInMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		store := gateway.NewRevocations(3)
		now := time.Now()
		add := func(r gateway.Revocation, life time.Duration) error {
			r.At, r.Until = time.Now(), time.Now().Add(life)
			return store.Add(ctx, r)
		}
		is := func(key, token string, issued time.Time, want bool) {
			t.Helper()
			out, err := store.Revoked(ctx, key, token, issued)
			assert.NoError(t, err)
			assert.Equal(t, out, want)
		}
		assert.NoError(t, add(gateway.Revocation{Key: "a"}, time.Minute))
		assert.NoError(t, add(gateway.Revocation{Token: "a"}, time.Second))
		assert.NoError(t, add(gateway.Revocation{Token: "b"}, 2*time.Second))
		assert.ErrorIs(t, add(gateway.Revocation{Token: "c"}, time.Second), gateway.ErrTooManyRevocations)
		assert.NoError(t, add(gateway.Revocation{Token: "d"}, 0)) // over already
		is("a", "x", time.Time{}, true)
		is("a", "", now, true)
		is("a", "", now.Add(1), false)
		is("b", "a", time.Time{}, true)
		is("b", "b", now.Add(time.Hour), true)
		is("b", "c", time.Time{}, false)
		is("", "", time.Time{}, false)
		time.Sleep(time.Second)
		is("", "a", time.Time{}, false)                                   // its time is over
		assert.NoError(t, add(gateway.Revocation{Key: "a"}, time.Second)) // later, and no shorter
		is("a", "", now.Add(time.Second), true)
		assert.NoError(t, add(gateway.Revocation{Token: "c"}, time.Second)) // there is room again
		time.Sleep(10 * time.Second)
		is("a", "", now, true)
		is("", "b", now, false)
		time.Sleep(time.Minute)
		is("a", "", now, false)

		store = gateway.NewRevocations(2)
		assert.NoError(t, add(gateway.Revocation{Token: "a"}, time.Second))
		assert.NoError(t, add(gateway.Revocation{Token: "b"}, 2*time.Second))
		assert.NoError(t, add(gateway.Revocation{Token: "a"}, 10*time.Second)) // longer after all
		time.Sleep(3 * time.Second)
		assert.NoError(t, add(gateway.Revocation{Token: "c"}, time.Second)) // in the place of b
		is("", "a", time.Time{}, true)
	})
}

func TestRevokedOnAllNodes(t *testing.T) {
	options := adapter.BusOptions{}
	options.Cluster.Discovery = time.Millisecond
	bus := adapter.NewBus(&options)
	var apps []*gateway.App
	var urls []string
	for i := range 2 {
		o := &gateway.Options{Socket: socketio.Options{Adapter: bus.Node().Adapter}}
		register := func(g *gateway.Namespace[user]) {
			gateway.On(g, "whoami", func(c *gateway.Context[user], _ gateway.None) (string, error) { return c.Principal.Name, nil })
		}
		own := fmt.Sprintf("/own-%d", i) // a deployment in which not all nodes have all gateways
		app, url := start(t, o, gateway.New("/c", passes{}, register), gateway.New(own, passes{}, register),
			gateway.Pattern("/room-{id}", passes{}, register, nil))
		apps, urls = append(apps, app), append(urls, url)
	}
	for _, app := range apps {
		assert.Eventually(t, func() bool {
			n, err := app.Server().Of("/c").Nodes(t.Context())
			return err == nil && n == 2
		})
	}
	here, there := join(t, urls[0], "/c", pass("mina t1 0")), join(t, urls[1], "/c", pass("mina t2 0"))
	other, room := join(t, urls[1], "/c", pass("juno t3 0")), join(t, urls[1], "/room-7", pass("mina t4 0"))
	own := join(t, urls[1], "/own-1", pass("mina t5 0"))
	for c, namespace := range map[wire]string{here: "/c", there: "/c", room: "/room-7", own: "/own-1"} {
		c.send("2" + namespace + `,1["whoami"]`) // the server is done with admitting them, too
		assert.True(t, strings.HasPrefix(c.Next(t), "43"+namespace+`,1["mina`))
	}
	assert.NoError(t, apps[0].Revoke(t.Context(), "mina"))
	shutOut(here)
	shutOut(there)
	for c, namespace := range map[wire]string{room: "/room-7", own: "/own-1"} {
		c.expect(strings.Replace(thrownOut, "/c", namespace, 1))
		c.expect("1" + namespace + ",")
	}
	undisturbed(other, "juno by t3")
	for _, url := range urls { // refused on both
		c := dial(t, url)
		c.send("0/c," + pass("mina t2 0"))
		c.expect(notLetIn)
	}
	assert.NoError(t, apps[1].RevokeToken(t.Context(), "t9", time.Now().Add(time.Hour)))
	assert.Eventually(t, func() bool {
		c := dial(t, urls[0])
		c.send("0/c," + pass("juno t9 0"))
		return c.Next(t) == "4"+notLetIn
	})
}

// Sockets come and go while principals and tokens are revoked, from many sides.
func TestRevocationsWhileSocketsComeAndGo(t *testing.T) {
	app, url := start(t, nil, gateway.New("/c", passes{}, func(*gateway.Namespace[user]) {}))
	var clients sync.WaitGroup
	for i := range 8 {
		clients.Go(func() {
			for j := range 20 {
				c := dial(t, url)
				c.send(fmt.Sprintf(`0/c,{"token":"user%d t%d.%d 0 %d"}`, j%3, i, j, time.Now().Add(time.Hour).UnixMilli()))
				c.send(fmt.Sprintf(`2/c,["refreshToken",{"token":"user%d r%d.%d 0 %d"}]`, j%3, i, j, time.Now().Add(time.Hour).UnixMilli()))
				c.Next(t)
				_ = c.Close()
			}
		})
	}
	done := make(chan struct{})
	var revoking sync.WaitGroup
	for i := range 2 {
		revoking.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-done:
					return
				default:
					assert.NoError(t, app.Revoke(t.Context(), fmt.Sprintf("user%d", n%3)))
					assert.NoError(t, app.RevokeToken(t.Context(), fmt.Sprintf("t%d.%d", i, n%20), time.Now().Add(time.Second)))
				}
			}
		})
	}
	clients.Wait()
	close(done)
	revoking.Wait()
	assert.Eventually(t, func() bool { return gateway.Present(app) == 0 })
}
