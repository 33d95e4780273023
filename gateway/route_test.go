package gateway_test

import (
	"context"
	"fmt"
	"iter"
	"testing"

	"github.com/kachi-io/kachi/gateway"
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
