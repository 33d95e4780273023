package gateway_test

import (
	"context"
	"fmt"
	"iter"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/gatewaytest"
	"github.com/kachi-io/kachi/internal/assert"
)

func TestParallelAndInOrder(t *testing.T) {
	hold := make(chan struct{})
	begun := make(chan int, 10)
	ended := make(chan string, 10)
	_, url := start(t, nil, gateway.New("/c", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		gateway.On(g, "wait", func(c *gateway.Context[gateway.Nobody], n int) (int, error) {
			begun <- n
			select {
			case <-hold:
			case <-c.Done():
				ended <- "cancelled"
			}
			return n, nil
		}).Parallel(2)
		gateway.On(g, "next", func(_ *gateway.Context[gateway.Nobody], n int) (int, error) { return n, nil })
		g.OnDisconnecting(func(*gateway.Context[gateway.Nobody], gateway.Reason) error { ended <- "disconnecting"; return nil })
	}))
	c := join(t, url, "/c", "")
	c.send(`2/c,1["wait",1]`)
	c.send(`2/c,2["wait",2]`)
	c.send(`2/c,3["next",3]`)
	c.expect(`3/c,3[3]`) // goes past them
	assert.Equal(t, assert.Receive(t, begun)+assert.Receive(t, begun), 3)
	c.send(`2/c,4["wait",4]`) // has to wait for a turn
	c.send(`2/c,5["next",5]`)
	close(hold)
	answers := map[string]bool{}
	for range 4 {
		answers[c.Next(t)] = true
	}
	assert.Equal(t, answers, map[string]bool{`43/c,1[1]`: true, `43/c,2[2]`: true, `43/c,4[4]`: true, `43/c,5[5]`: true})

	hold = make(chan struct{})
	c.send(`2/c,["wait",6]`)
	for assert.Receive(t, begun) != 6 {
	}
	assert.NoError(t, c.Close())
	assert.Equal(t, assert.Receive(t, ended), "cancelled") // waited for
	assert.Equal(t, assert.Receive(t, ended), "disconnecting")
}

func TestStreams(t *testing.T) {
	stopped := make(chan error, 1)
	_, url := start(t, nil, gateway.New("/c", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		gateway.Stream(g, "count", item, func(c *gateway.Context[gateway.Nobody], to int) iter.Seq2[int, error] {
			return func(yield func(int, error) bool) {
				for n := 1; to < 0 || n <= to; n++ {
					if n == 5 && to == 7 {
						yield(0, gateway.NewError("five", "not five"))
						return
					}
					if !yield(n, nil) {
						<-c.Done()
						break
					}
				}
				stopped <- c.Err()
			}
		})
		gateway.Handle(g, "sync", func(*gateway.Context[gateway.Nobody], gateway.None) error { return nil })
	}))
	c := join(t, url, "/c", "")
	c.send(`2/c,1["count",3]`)
	for n := range 3 {
		c.expect(fmt.Sprintf(`2/c,["item",%d]`, n+1))
	}
	c.expect(`3/c,1[{"count":3}]`)
	assert.NoError(t, assert.Receive(t, stopped))
	c.send(`2/c,2["count",7]`)
	for n := range 4 {
		c.expect(fmt.Sprintf(`2/c,["item",%d]`, n+1))
	}
	c.expect(`3/c,2[{"status":"error","code":"five","message":"not five","cause":{"pattern":"count"}}]`)

	c.send(`2/c,["count",-1]`)
	c.expect(`2/c,["item",1]`)
	assert.NoError(t, c.Close())
	assert.ErrorIs(t, assert.Receive(t, stopped), context.Canceled)
}

// A call that waits for its turn is answered in time like others.
func TestWaitingForATurnTakesTimeToo(t *testing.T) {
	hold, begun := make(chan struct{}), make(chan struct{}, 10)
	_, url := start(t, &gateway.Options{ReplyTimeout: 20 * time.Millisecond}, gateway.New("/c", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		gateway.Handle(g, "wait", func(*nobody, gateway.None) error {
			begun <- struct{}{}
			<-hold
			return nil
		}).Parallel(1)
	}))
	c := join(t, url, "/c", "")
	for id := 1; id <= 2; id++ {
		c.send(fmt.Sprintf(`2/c,%d["wait"]`, id))
		c.expect(fmt.Sprintf(`3/c,%d[{"status":"error","code":"timeout","message":"There was no answer in time","cause":{"pattern":"wait"}}]`, id))
	}
	assert.Equal(t, len(begun), 1)
	close(hold)
	assert.Receive(t, begun)
	assert.Receive(t, begun) // it is handled all the same
}

// A stream may take as long as it likes, so long as something comes; and who observes what is
// sent is told of its items.
func TestLongStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent atomic.Int32
		o := &gatewaytest.Options{Patience: time.Hour, App: gateway.Options{Emitting: []func(context.Context, string, string) func(error){
			func(_ context.Context, namespace, event string) func(error) {
				if namespace == "/c" && event == "item" {
					sent.Add(1)
				}
				return nil
			},
		}}}
		app := gatewaytest.New(t, o, gateway.New("/c", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
			gateway.Stream(g, "count", item, func(_ *nobody, seconds int) iter.Seq2[int, error] {
				return func(yield func(int, error) bool) {
					for n := range 5 {
						time.Sleep(time.Duration(seconds) * time.Second)
						if !yield(n, nil) {
							return
						}
					}
				}
			})
		}))
		c := app.Dial(t, "/c")
		assert.Equal(t, gatewaytest.Ask[gateway.Streamed](t, c, "count", 8), gateway.Streamed{Count: 5}) // 40 s
		assert.Equal(t, sent.Load(), int32(5))
		c.AskError(t, gateway.CodeTimeout, "count", 31)
	})
}
