package main

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/kachi-io/kachi/gateway"
)

// User is who chats.
type User struct {
	ID   int    `json:"userId"`
	Name string `json:"userName"`
}

// Directory knows the users, and which rooms they are members of. It does not change: a
// program of one's own asks its database.
type Directory struct {
	names   map[int]string
	members map[RoomID][]int
}

// User returns who has an id, as a token's subject has it.
func (d *Directory) User(subject string) (User, error) {
	id, err := strconv.Atoi(subject)
	name, known := d.names[id]
	if err != nil || !known {
		return User{}, gateway.Unauthorized("There is no such user")
	}
	return User{id, name}, nil
}

// IsMember says whether a user may be in a room.
func (d *Directory) IsMember(user User, room RoomID) bool {
	return slices.Contains(d.members[room], user.ID)
}

// RoomID names a room. Clients give a number or a string, and are told a string.
type RoomID string

// UnmarshalJSON implements [json.Unmarshaler].
func (r *RoomID) UnmarshalJSON(data []byte) error {
	var number json.Number // takes strings of digits as well
	if err := json.Unmarshal(data, &number); err != nil {
		return gateway.NewError(gateway.CodeBadRequest, "A room is named by its number")
	}
	*r = RoomID(number)
	return nil
}

// Validate implements [gateway.Validated].
func (r RoomID) Validate(context.Context) error {
	if n, err := strconv.Atoi(string(r)); err != nil || n <= 0 || strconv.Itoa(n) != string(r) {
		return gateway.Invalid(gateway.FieldError{Path: "room", Rule: "number", Message: "A room is named by its number"})
	}
	return nil
}
