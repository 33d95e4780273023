package anonymous

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/kachi-io/kachi/socketio"
)

// timestamp is how times are written: RFC 3339 in UTC, with milliseconds.
const timestamp = "2006-01-02T15:04:05.000Z07:00"

// roomName is a room as clients name it: a string, or a whole number for its digits.
type roomName string

func (n *roomName) UnmarshalJSON(data []byte) error {
	if _, err := strconv.ParseInt(string(data), 10, 64); err == nil {
		*n = roomName(data)
		return nil
	}
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return errors.New("a room is named by a string or a whole number")
	}
	*n = roomName(strings.TrimSpace(s))
	return nil
}

// joining names a room, alone or as a field beside the name to be known by.
type joining struct {
	Name string
	Room roomName
}

func (j *joining) UnmarshalJSON(data []byte) error {
	if data[0] != '{' {
		return j.Room.UnmarshalJSON(data)
	}
	type fields joining
	return json.Unmarshal(data, (*fields)(j))
}

// check returns the room and the name, which is the one known so far where none is given.
func (j *joining) check(o *Options, known string) (room, name string, err error) {
	if err := checkName("room", string(j.Room), o.MaxRoomName); err != nil {
		return "", "", err
	}
	name = strings.TrimSpace(j.Name)
	if name == "" {
		name = known
	}
	return string(j.Room), name, checkName("name", name, o.MaxName)
}

type posting struct {
	Room     roomName
	Message  string
	ClientID string
}

// maxClientID is in bytes. Clients send a UUID or the like.
const maxClientID = 64

func (p *posting) check(o *Options) error {
	switch n := utf8.RuneCountInString(p.Message); {
	case strings.TrimSpace(p.Message) == "":
		return invalid("The message is empty")
	case n > o.MaxMessage:
		return invalid(fmt.Sprintf("The message has %d characters; %d are allowed", n, o.MaxMessage))
	case len(p.ClientID) > maxClientID:
		return invalid(fmt.Sprintf("clientId is longer than %d bytes", maxClientID))
	}
	return nil
}

// checkName refuses what could not be told apart, or would disturb what stands around it.
func checkName(what, name string, limit int) error {
	if name == "" {
		return invalid("The " + what + " is empty")
	}
	if utf8.RuneCountInString(name) > limit {
		return invalid(fmt.Sprintf("The %s is longer than %d characters", what, limit))
	}
	for _, r := range name {
		const zwnj, zwj = '\u200c', '\u200d' // parts of words and of emoji
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) && r != zwnj && r != zwj {
			return invalid("The " + what + " has an invisible character")
		}
	}
	return nil
}

type joined struct {
	Room    string `json:"room"`
	Members []User `json:"members"`
	User    User   `json:"user"`
}

type userList struct {
	UserList []User `json:"userList"`
}

// presence says who did something in which room.
type presence struct {
	Room string `json:"room"`
	User
}

type receipt struct {
	ID     string `json:"id"`
	SentAt string `json:"sentAt"`
}

type posted struct {
	receipt
	Room    string `json:"room"`
	Sender  User   `json:"sender"`
	Message string `json:"message"`
}

func invalid(message string) error { return socketio.NewError("invalid", message) }

var errNotInRoom = socketio.NewError("not_found", "You are not in this room")
