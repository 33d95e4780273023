package gateway_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio"
)

func TestState(t *testing.T) {
	closed := make(chan string, 10)
	cart := gateway.NewState(func(c *gateway.Call) (*[]string, error) {
		if c.Principal().(user).Name == "poor" {
			return nil, gateway.Forbidden("no cart")
		}
		return &[]string{}, nil
	}, func(items *[]string) error { closed <- strings.Join(*items, ","); return nil })
	_, url := start(t, nil, gateway.New("/shop", byName, func(g *gateway.Namespace[user]) {
		gateway.On(g, "put", func(c *gateway.Context[user], what string) (int, error) {
			items, err := cart.Of(c)
			if err != nil {
				return 0, err
			}
			*items = append(*items, what)
			return len(*items), nil
		})
	}))
	a := join(t, url, "/shop", `{"name":"a"}`)
	a.send(`2/shop,1["put","x"]`)
	a.expect(`3/shop,1[1]`)
	a.send(`2/shop,1["put","y"]`)
	a.expect(`3/shop,1[2]`)
	b := join(t, url, "/shop", `{"name":"poor"}`)
	b.send(`2/shop,1["put","x"]`)
	assert.True(t, strings.Contains(b.Next(t), `"forbidden"`))
	assert.NoError(t, b.Close())
	assert.NoError(t, a.Close())
	assert.Equal(t, assert.Receive(t, closed), "x,y")
}

// Calls beside each other ask for one value: it is opened once, and closed once.
func TestStateIsOpenedOnce(t *testing.T) {
	entered, hold := make(chan struct{}, 10), make(chan struct{})
	var opened atomic.Int32
	closed := make(chan int32, 10)
	count := gateway.NewState(func(*gateway.Call) (int32, error) {
		entered <- struct{}{}
		<-hold
		return opened.Add(1), nil
	}, func(n int32) error { closed <- n; return nil })
	asked := make(chan struct{}, 10)
	_, url := start(t, nil, gateway.New("/c", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		gateway.On(g, "count", func(c *nobody, _ gateway.None) (int32, error) {
			asked <- struct{}{}
			return count.Of(c)
		}).Parallel(3)
	}))
	c := join(t, url, "/c", "")
	for id := range 3 {
		c.send(fmt.Sprintf(`2/c,%d["count"]`, id))
	}
	for range 3 {
		assert.Receive(t, asked)
	}
	assert.Receive(t, entered)
	close(hold)
	for range 3 {
		answer := c.Next(t)
		assert.True(t, strings.HasSuffix(answer, "[1]"), answer)
	}
	assert.NoError(t, c.Close())
	assert.Equal(t, assert.Receive(t, closed), int32(1))
	assert.Equal(t, opened.Load(), int32(1))
	assert.Equal(t, len(closed), 0)
}

// A value that could not be opened is asked for again, also by those who waited for it.
func TestStateThatFailsIsAskedForAgain(t *testing.T) {
	var tries atomic.Int32
	flaky := gateway.NewState(func(*gateway.Call) (string, error) {
		switch tries.Add(1) {
		case 1:
			return "", gateway.NewError("not_yet", "Not yet")
		case 2:
			panic("on purpose")
		}
		return "here", nil
	}, nil)
	_, url := start(t, nil, gateway.New("/c", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		gateway.On(g, "get", func(c *nobody, _ gateway.None) (string, error) { return flaky.Of(c) })
	}))
	c := join(t, url, "/c", "")
	for _, want := range []string{`"code":"not_yet"`, `"code":"internal"`, `["here"]`} {
		c.send(`2/c,1["get"]`)
		answer := c.Next(t)
		assert.True(t, strings.Contains(answer, want), answer)
	}
}

// Whatever was opened is closed, also when a call that outlives its socket asks last; and
// what closes it may use other states.
func TestStateOfASocketThatHasGone(t *testing.T) {
	told := make(chan string, 10)
	var first, second *gateway.State[string]
	first = gateway.NewState(func(*gateway.Call) (string, error) { return "first", nil },
		func(s string) error { told <- "closed " + s; return nil })
	second = gateway.NewState(func(c *gateway.Call) (string, error) {
		one, err := first.Of(c)
		return "second of " + one, err
	}, func(s string) error { told <- "closed " + s; return nil })
	hold := make(chan struct{})
	o := &gateway.Options{Socket: socketio.Options{HookTimeout: 20 * time.Millisecond}}
	_, url := start(t, o, gateway.New("/c", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		gateway.On(g, "use", func(c *nobody, _ gateway.None) (string, error) { return second.Of(c) })
		gateway.Handle(g, "outlive", func(c *nobody, _ gateway.None) error {
			told <- "begun"
			<-hold
			s, err := first.Of(c)
			told <- fmt.Sprintf("late: %q %v", s, err != nil)
			return nil
		}).Parallel(1)
	}))
	c := join(t, url, "/c", "")
	c.send(`2/c,1["use"]`)
	c.expect(`3/c,1["second of first"]`)
	c.send(`2/c,["outlive"]`)
	assert.Equal(t, assert.Receive(t, told), "begun")
	assert.NoError(t, c.Close())
	assert.Equal(t, assert.Receive(t, told), "closed second of first") // the last one first
	assert.Equal(t, assert.Receive(t, told), "closed first")
	close(hold)
	assert.Equal(t, assert.Receive(t, told), `late: "" true`)
}
