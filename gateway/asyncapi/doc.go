// Package asyncapi tells clients what an app's gateways do: an AsyncAPI 3 document, the
// TypeScript types and client that follow from it, a page for people, and what a change of
// the document breaks.
//
//	doc, err := asyncapi.Document(app, asyncapi.Info{Title: "Chat", Version: "1.4.0"})
//
// Everything comes from what gateways register: [gateway.App.Routes], [gateway.App.Events],
// and the Go types of inputs, results and events. [Handler] serves it, [Committed] holds a
// committed copy to the code, [Diff] compares two documents, [TypeScript] writes clients.
//
// # The document
//
// A namespace, or a pattern of namespaces, is a channel, whose address is its name. An event
// that clients send is an operation "receive", one that the server sends is an operation
// "send". An acknowledgement is the operation's reply: the result, or the one error that all
// have in common. What AsyncAPI has no word for stands in extensions:
//
//	x-arguments   of a message: "none", or "list" where the payload is an array that holds
//	              the event's arguments; without it the payload is the one argument
//	x-deprecated  of an operation: what to do instead
//	x-stream      of an operation: the event that carries the items
//	x-idempotent  of an operation: how long a call that is made again is answered as before,
//	              and which member of the input holds the id that it is known by
//	x-since       of an operation: the version of the application's protocol that has it first
//	x-client-version  of the whole: the version that is described
//	x-attachment  of a schema: bytes, which travel beside the JSON
//	x-validate    of a schema: rules that JSON Schema has no word for
//	x-source, x-layers  of an operation, with [Info].Internals
//
// # Schemas
//
// Schemas are JSON Schema 2020-12, of which only what draft 07 reads alike is used, since
// that is AsyncAPI's own; but for prefixItems, which older readers pass over. A field's
// name, its options and the embedded structs are as they are on the wire, found by the code
// that writes it ([packet.Fields]). A field is required unless it has omitempty or omitzero,
// or its validate tag says omitempty; the rule "required" makes it so in any case. A pointer
// can be null. So is a nil slice or map on the wire; the schema does not say so, because a
// client is better served with an empty one, unless [Info].NullSlices asks for it. Rules of
// validate tags become keywords. The tag doc:"…" describes a field. A type that encodes
// itself as text is a string, one that encodes itself as JSON is anything, unless it is a
// [Described]; the rules of their fields are about the Go value, and stand in x-validate.
// Components are named like their types, in the letters that AsyncAPI takes.
//
// Specification: https://www.asyncapi.com/docs/reference/specification/v3.0.0
package asyncapi
