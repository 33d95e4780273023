//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/kachi-io/kachi/bench/result"
)

// chat is the whole product: people with accounts, in one room, whose messages are stored,
// acknowledged and told to everybody in it. The connections take turns, on a schedule; each
// delivery's latency is counted from the scheduled time.
type chat struct {
	*stage
	schedule
	head, tail []byte // of a message: the id and the number stand between
	turn       int
}

// ledger is the tongue of a chat: the namespace /chat, and tokens.
type ledger struct {
	tokens []string // of the people
	room   string
}

func runChat(p *plan, people int, rate float64) (*result.Run, error) {
	if p.at.polling || p.n < 2 || people < 1 || people > p.n {
		return nil, errors.New("a chat needs two connections over WebSocket, and no more people than connections")
	}
	l, err := enlist(p.at.host, people)
	if err != nil {
		return nil, err
	}
	p.at.tongue = l
	s, err := newStage(p, "chat")
	if err != nil {
		return nil, err
	}
	s.run.Parameters["people"] = people
	c := &chat{stage: s, schedule: newSchedule(s, 0, rate)}
	c.head = []byte(`["message",{"room":"` + l.room + `","message":"k`)
	c.tail = append(bytes.Repeat([]byte{'.'}, max(p.at.size, smallest)-smallest), `"}]`...)
	c.open(c, p.n, true)
	c.begins(c.l.clock())
	c.timed(func(now int64, send bool) int64 {
		c.follow(c.stage)
		if !send {
			return 0
		}
		return c.scheduled(now)
	}, c.complete)
	return c.finish(), nil
}

func (c *chat) scheduled(now int64) int64 {
	for {
		when := c.due(c.next)
		if when > now {
			return when
		}
		if c.counting {
			c.lag.record(now - when)
		}
		c.emit()
	}
}

// emit has the next connection that is there say something.
func (c *chat) emit() {
	for range c.clients {
		sender := c.clients[c.turn]
		c.turn = (c.turn + 1) % len(c.clients)
		if sender.phase != ready {
			continue
		}
		var number [numberLen]byte
		putHex(number[:], c.next)
		packet := append([]byte("42/chat,"), strconv.FormatUint(idBase+c.next, 10)...)
		packet = append(append(append(packet, c.head...), number[:]...), c.tail...)
		sender.send(packet)
		c.next++
		c.run.Counts.Sent++
		for _, one := range c.clients { // the sender as well
			if one.phase == ready {
				c.run.Counts.Due++
			}
		}
		c.run.Counts.Due++ // the acknowledgement
		return
	}
}

func (c *chat) delivered(to *client, n uint64) {
	if n >= c.next {
		c.surprised(to, "a message nobody sent")
		return
	}
	if c.came(to, &to.deliveries, n) {
		c.time(c.stage, n, c.l.now)
	}
}

func (c *chat) acked(to *client, n uint64) {
	if n >= c.next {
		c.surprised(to, "an answer to what was not asked")
		return
	}
	c.run.Counts.Received++
	c.settled = c.l.now
}

func (l *ledger) connect(c *client) []byte {
	return []byte(`40/chat,{"token":"` + l.tokens[c.index%len(l.tokens)] + `"}`)
}

var (
	chatSpace = []byte("/chat,")
	chatText  = []byte(`"message":"k`)
	chatEvent = []byte(`["message",`)
	chatError = []byte(`"status":"error"`)
)

// message reads what a chat says: messages and acknowledgements. News of others' coming and
// going is passed over: servers differ in what they tell.
func (l *ledger) message(c *client, p []byte, _ int) {
	kind, rest := p[1], p[2:]
	if !bytes.HasPrefix(rest, chatSpace) {
		c.h.surprised(c, "message "+string(p[:min(len(p), 24)]))
		return
	}
	rest = rest[len(chatSpace):]
	switch kind {
	case '0':
		c.send([]byte(`42/chat,0["join","` + l.room + `"]`))
		return
	case '1':
		c.fail("disconnect packet")
		return
	case '4':
		c.fail("connect error: " + string(rest))
		return
	case '2':
		if !bytes.HasPrefix(rest, chatEvent) {
			return
		}
		if i := bytes.Index(rest, chatText); i >= 0 {
			if n, ok := readNumber(rest[i+len(chatText)-2:]); ok {
				c.h.delivered(c, n)
				return
			}
		}
	case '3':
		id, answer, ok := readAck(append([]byte("43"), rest[:min(len(rest), 64)]...))
		if !ok || bytes.Contains(answer, chatError) {
			c.h.surprised(c, "answer "+string(rest[:min(len(rest), 100)]))
			return
		}
		if id == 0 && c.phase == joining {
			c.arrived()
			return
		}
		if id >= idBase {
			c.h.acked(c, id-idBase)
			return
		}
	}
	c.h.surprised(c, "message "+string(p[:min(len(p), 24)]))
}

// enlist makes accounts and a room.
func enlist(host string, people int) (*ledger, error) {
	l := &ledger{}
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}
	call := func(token, path string, body, into any) error {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		r, err := http.NewRequest(http.MethodPost, "http://"+host+path, bytes.NewReader(text))
		if err != nil {
			return err
		}
		r.Header.Set("Content-Type", "application/json")
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		answer, err := client.Do(r)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		said, err := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
		if err != nil {
			return err
		}
		if answer.StatusCode != http.StatusCreated {
			return fmt.Errorf("POST %s: %s: %s", path, answer.Status, said)
		}
		return json.Unmarshal(said, into)
	}
	run := strconv.FormatInt(time.Now().UnixNano(), 36)
	for i := range people {
		var in struct{ AccessToken string }
		name := fmt.Sprintf("bench %s %d", run, i)
		if err := call("", "/api/auth/register", map[string]any{"name": name, "password": "benchmark " + run, "cookies": false}, &in); err != nil {
			return nil, err
		}
		l.tokens = append(l.tokens, in.AccessToken)
	}
	var room struct{ ID string }
	if err := call(l.tokens[0], "/api/rooms", map[string]any{"name": "bench " + run}, &room); err != nil {
		return nil, err
	}
	l.room = room.ID
	return l, nil
}
