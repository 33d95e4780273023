package client

// Session is what a client shows to go on where an earlier connection ended (connection
// state recovery). Its zero value shows nothing.
type Session struct {
	ID     string `json:"pid"`              // private: whoever has it can take the session over
	Offset string `json:"offset,omitempty"` // of the last event that was handled
}

// Session returns what [SocketOptions.Session] of another client needs to go on where this
// one is: ok is false when the server keeps no sessions, or the socket has never been
// connected. It names the last event whose handlers have returned.
//
// The server gives up the session of a socket that was disconnected, by either side: end
// this client with [Client.CloseNow].
func (s *Socket) Session() (_ Session, ok bool) {
	s.client.mu.Lock()
	defer s.client.mu.Unlock()
	return Session{s.pid, s.handled}, s.pid != ""
}
