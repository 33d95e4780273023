// Package adapter says what a cluster fulfils for a namespace: broadcasts, room
// changes, queries and events between servers, and the store that recovery needs.
//
// [Adapter] is the contract, [Node] what an adapter may ask of the namespace it
// serves. [NewMemory] makes the adapter of a single node. [Bus] connects several nodes
// in one process.
//
// # Writing an adapter
//
// For a broker that carries messages, implement [Wire] and let [Cluster] do the rest:
//
//	func (b *Broker) Adapter(n adapter.Node) (adapter.Adapter, error) { // an adapter.Factory
//		return adapter.NewCluster(n, &wire{broker: b}, nil), nil
//	}
//
// A wire encodes a [Message], queues it (it never waits for the network), and hands on
// what it receives; the wire of [Bus] is a complete example in a few lines. What the
// broker can do decides about the rest:
//
//   - It has a channel for each room: implement [RoomObserver] on the wire, subscribe
//     while the room has members, and publish a KindBroadcast without RequestID to the
//     channel of its one room. The order promised by [Adapter] is then yours to keep:
//     a join, and a broadcast to the room that was joined, must not overtake each other.
//   - It has a channel for each node: use it in Wire.Send.
//   - It counts subscribers: implement [NodeCounter]. Requests then also wait for nodes
//     that send no heartbeats. Heartbeats remain useful for the names of who is missing;
//     switch them off where the other servers would not pass over them.
//   - It keeps a log: hand a node's own messages back to it ([ClusterOptions].Ordered),
//     set [Message].Offset, and implement [SessionStore] around the Cluster.
//
// Where Node servers share the broker, [Message.AppendJSON] writes their JSON, field by
// field; their MessagePack is the same structure with attachments in place of the
// placeholders. What Node's format has no room for (which socket answered, counts and
// rooms without descriptions) travels in fields that Node servers pass over. Other brokers use [Message.Append] and [ParseMessage].
//
// An adapter that cannot be built like this implements [Adapter] itself; read its
// documentation twice, and [Target], [Flags] and [SocketInfo] marshal as Node's do.
//
// Package adaptertest holds the suite that every adapter passes, with one, two and three
// nodes, on the real broker.
package adapter
