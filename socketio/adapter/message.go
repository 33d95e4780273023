package adapter

// EmitterNode is the node id that Node's emitters (programs that only send, and are no
// server) use. It is not counted among the nodes.
const EmitterNode = "emitter"

// Kind is what a message between nodes is for. The numbers are those of Node's cluster
// adapters (socket.io-adapter, cluster-adapter.ts).
type Kind uint8

const (
	KindInitialHeartbeat   Kind = iota + 1 // a node has come, and asks the others to show themselves
	KindHeartbeat                          // a node is there
	KindBroadcast                          // Data, Attachments, Target, Flags; with RequestID, answers are asked for
	KindJoin                               // Target, Flags, Rooms
	KindLeave                              // Target, Flags, Rooms
	KindDisconnect                         // Target, Flags, Close
	KindFetch                              // RequestID, Target, Flags, Want
	KindFetchResponse                      // RequestID, Sockets, Count, Rooms, Want
	KindServerSideEmit                     // Data, Attachments; with RequestID, an answer is asked for
	KindServerSideResponse                 // RequestID, Data, Attachments
	KindBroadcastCount                     // RequestID, Count, IDs
	KindBroadcastAck                       // RequestID, Data, Attachments, Socket
	KindClose                              // a node leaves in good order
)

// IsResponse reports that messages of this kind go to the one node that asked.
func (k Kind) IsResponse() bool {
	switch k {
	case KindFetchResponse, KindServerSideResponse, KindBroadcastCount, KindBroadcastAck:
		return true
	}
	return false
}

// Want is what a KindFetch asks for. Node servers know only the first, and answer the
// others with it too: whoever asks can take what it wants from the descriptions.
type Want uint8

const (
	WantSockets Want = iota // descriptions of the sockets
	WantCount               // their number
	WantRooms               // the names of all rooms with members
)

// Message is what travels between the nodes of a namespace: a flat union of all kinds;
// the comment of each [Kind] lists the fields it uses beside Kind, Node and Namespace. It
// is immutable once handed over.
type Message struct {
	Kind      Kind
	Node      string // the sender's id
	Namespace string
	RequestID string // chosen by the node that asks; the response repeats it

	Target Target
	Flags  Flags
	Rooms  []string
	Close  bool
	Want   Want

	// Data is a raw JSON array: event and arguments of a broadcast or server-side event,
	// the arguments of an answer. nil in a KindBroadcastAck: the socket is gone.
	Data        []byte
	Attachments [][]byte // what the placeholders in Data stand for

	Sockets []SocketInfo
	Count   int // of sockets
	// Named, in a KindBroadcast with RequestID: the asking node understands IDs, Socket
	// and the news of a socket that is gone, which Node servers do not send.
	Named  bool
	IDs    []string // the sockets that were asked, nil where only their number is known
	Socket string   // the socket that answers, empty where that is not known

	// Offset is the message's position in the broker's log, for adapters that are a
	// [SessionStore]. Not part of the encodings: the wire sets it on what it receives.
	Offset string
}
