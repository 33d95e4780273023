// Package adapter says what a cluster fulfils for a namespace: broadcasts, room
// changes, queries and events between servers, and the store that recovery needs.
//
// [Adapter] is the contract, [Node] what an adapter may ask of the namespace it
// serves. [NewMemory] is the adapter of a single node.
package adapter
