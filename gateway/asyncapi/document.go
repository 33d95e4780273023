package asyncapi

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/kachi-io/kachi/gateway"
)

// Registry is what is documented. A [*gateway.App] is one.
type Registry interface {
	Routes() []gateway.RouteInfo
	Events() []gateway.EventInfo
}

// Info says what the registry does not know. Title and Version have defaults, "API" and
// "0.0.0"; the rest may be left out.
type Info struct {
	Title       string
	Version     string
	Description string // Markdown
	Servers     map[string]Server
	// ClientVersion is the version of the application's protocol that is described, see
	// [gateway.Versions]: the events that its clients have. Default: the current one.
	ClientVersion int
	// Internals has operations tell their source line and the layers around them: for
	// those who write the server.
	Internals bool
	// NullSlices has slices and maps be nullable, as a nil one is null on the wire.
	NullSlices bool
	// Links lead from the page of [Handler] to others. The document knows nothing of them.
	Links []Link
}

// Link is where a page leads to.
type Link struct {
	Name string
	URL  string // may be relative to the page
}

// Server is where an app runs.
type Server struct {
	Host        string `json:"host"`     // "chat.example.com", with a port where it has one
	Protocol    string `json:"protocol"` // "wss", "ws"
	PathName    string `json:"pathname,omitempty"`
	Description string `json:"description,omitempty"`
}

// Doc is an AsyncAPI 3.0 document, as far as [Document] writes it.
type Doc struct {
	AsyncAPI           string                `json:"asyncapi"`
	Info               DocInfo               `json:"info"`
	Servers            map[string]Server     `json:"servers,omitempty"`
	DefaultContentType string                `json:"defaultContentType,omitempty"`
	Channels           map[string]*Channel   `json:"channels,omitempty"`
	Operations         map[string]*Operation `json:"operations,omitempty"`
	Components         Components            `json:"components,omitzero"`
}

// DocInfo is what a document says of itself.
type DocInfo struct {
	Title       string `json:"title"`
	Version     string `json:"version"`
	Description string `json:"description,omitempty"`
	// ClientVersion is that of [Info]; 0 where the application has no versions.
	ClientVersion int `json:"x-client-version,omitempty"`
}

// Channel is a namespace, or a pattern of namespaces.
type Channel struct {
	Address     string               `json:"address"`
	Description string               `json:"description,omitempty"`
	Parameters  map[string]Parameter `json:"parameters,omitempty"`
	Messages    map[string]*Message  `json:"messages,omitempty"`
}

// Parameter is a part of a pattern.
type Parameter struct {
	Description string `json:"description,omitempty"`
}

// Message is an event or an acknowledgement; or a reference to one.
type Message struct {
	Ref         string  `json:"$ref,omitempty"`
	Name        string  `json:"name,omitempty"`
	Title       string  `json:"title,omitempty"`
	Description string  `json:"description,omitempty"`
	Payload     *Schema `json:"payload,omitempty"`
	Arguments   string  `json:"x-arguments,omitempty"` // [ArgumentsNone], [ArgumentsList], "": the payload is the one
}

// How a message's payload stands for arguments.
const (
	ArgumentsNone = "none"
	ArgumentsList = "list"
)

// Operation is an event that clients send ("receive"), or one that the server sends ("send").
type Operation struct {
	Action      string      `json:"action"`
	Channel     Reference   `json:"channel"`
	Title       string      `json:"title,omitempty"` // the event's name
	Description string      `json:"description,omitempty"`
	Tags        []Tag       `json:"tags,omitempty"`
	Messages    []Reference `json:"messages,omitempty"`
	Reply       *Reply      `json:"reply,omitempty"`
	Deprecated  string      `json:"x-deprecated,omitempty"`
	Stream      string      `json:"x-stream,omitempty"`
	Idempotent  *Idempotent `json:"x-idempotent,omitempty"`
	Since       int         `json:"x-since,omitempty"` // version of the application's protocol
	Source      string      `json:"x-source,omitempty"`
	Layers      []string    `json:"x-layers,omitempty"`
}

// Idempotent says that an event that is sent again is answered as it was.
type Idempotent struct {
	Key    string  `json:"key,omitempty"` // the member of the input that holds an id that the client makes up
	Window float64 `json:"window"`        // how long answers are kept, in seconds
}

// Reply is the acknowledgement of an event: its result, or the error.
type Reply struct {
	Channel  Reference   `json:"channel"`
	Messages []Reference `json:"messages,omitempty"`
}

// Reference points into the document.
type Reference struct {
	Ref string `json:"$ref"`
}

// Tag marks operations.
type Tag struct {
	Name string `json:"name"`
}

// Components are what several parts of a document have in common.
type Components struct {
	Schemas  map[string]*Schema  `json:"schemas,omitempty"`
	Messages map[string]*Message `json:"messages,omitempty"`
}

// JSON returns the document as text: indented, the same for the same gateways, whatever
// the order in which they were given to the app.
func (d *Doc) JSON() []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(d); err != nil {
		panic(fmt.Errorf("asyncapi: %w", err)) // nothing in it that JSON does not have
	}
	return b.Bytes()
}

// Parse reads a document that [Document] wrote. What others write beyond it is passed over.
func Parse(text []byte) (*Doc, error) {
	d := &Doc{}
	if err := json.Unmarshal(text, d); err != nil {
		return nil, fmt.Errorf("asyncapi: %w", err)
	}
	if d.AsyncAPI == "" {
		return nil, fmt.Errorf("asyncapi: no AsyncAPI document: the member asyncapi is missing")
	}
	if d.AsyncAPI[0] != '3' {
		return nil, fmt.Errorf("asyncapi: version %q of AsyncAPI is not read, but 3", d.AsyncAPI)
	}
	return d, nil
}
