package adapter

import (
	"encoding/json"
	"time"
)

// MarshalJSON implements json.Marshaler. Empty lists are arrays, never null.
func (t Target) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Rooms  RoomNames `json:"rooms"`
		Except RoomNames `json:"except"`
	}{t.Rooms, t.Except})
}

// UnmarshalJSON implements json.Unmarshaler. It takes numbers for rooms, as
// [RoomNames] does.
func (t *Target) UnmarshalJSON(b []byte) error {
	var w struct {
		Rooms  RoomNames `json:"rooms"`
		Except RoomNames `json:"except"`
	}
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	t.Rooms, t.Except = w.Rooms, w.Except
	return nil
}

type flagsJSON struct {
	Volatile bool    `json:"volatile,omitempty"`
	Compress *bool   `json:"compress,omitempty"`
	Timeout  float64 `json:"timeout,omitempty"` // milliseconds
}

// MarshalJSON implements json.Marshaler. What is not set is left out, as in Node, where
// "volatile" counts as set whatever its value.
func (f Flags) MarshalJSON() ([]byte, error) {
	w := flagsJSON{Volatile: f.Volatile}
	if f.NoCompress {
		w.Compress = new(bool)
	}
	if f.Timeout > 0 {
		w.Timeout = float64(max(f.Timeout.Milliseconds(), 1))
	}
	return json.Marshal(w)
}

// UnmarshalJSON implements json.Unmarshaler. Flags that mean nothing to the receiver
// (local, broadcast, binary, expectSingleResponse) are passed over.
func (f *Flags) UnmarshalJSON(b []byte) error {
	if string(b) == "{}" { // the usual case
		*f = Flags{}
		return nil
	}
	var w flagsJSON
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	*f = Flags{Volatile: w.Volatile, NoCompress: w.Compress != nil && !*w.Compress}
	if w.Timeout > 0 && w.Timeout <= float64(maxTimeout.Milliseconds()) {
		f.Timeout = time.Duration(w.Timeout * float64(time.Millisecond))
	} else if w.Timeout > 0 {
		f.Timeout = maxTimeout
	}
	return nil
}

// maxTimeout bounds how long a node keeps what another one asked of its sockets,
// whatever the other one says.
const maxTimeout = time.Hour
