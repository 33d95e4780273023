package asyncapi

import (
	_ "embed"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

//go:embed client.ts
var clientSource string

// TypeScript writes a module for clients, over socket.io-client 4: interfaces of all types;
// for each namespace ServerToClientEvents and ClientToServerEvents with its name in front,
// as io takes them; and a class with its name, whose methods return promises.
//
//	const chat = new ChatClient("https://chat.example.com", { token: newToken });
//	chat.socket.on("message", (m) => show(m.text));
//	const { id } = await chat.message({ room: "nest", text: "hello" });
//
// Methods fail with a KachiError, which has the server's code, message and details. Calls
// that the server knows to be repeatable are made again when there was no answer, with an
// id that the client makes up. Clients come back by themselves, with a token that is good
// then; status and onStatus tell. The module needs TypeScript 5 or later, in strict mode too.
func TypeScript(doc *Doc) []byte {
	w := &typescript{doc: doc, names: map[string]string{}, taken: map[string]bool{}}
	for _, name := range []string{
		"Bytes", "FieldError", "KachiError", "CallOptions", "ClientOptions", "KachiClient", "Socket", "ManagerOptions", "SocketOptions", "Status", "Token",
		"ReturnType", "Promise", "Record", "Error", "Array", "Object", "ArrayBuffer", "Uint8Array", "Partial",
	} {
		w.taken[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(doc.Components.Schemas)) {
		w.names[name] = unique(identifier(name), w.taken)
	}
	w.printf("// Made from the AsyncAPI document of %s %s. What is written here by hand is lost.\n\n", line(doc.Info.Title), line(doc.Info.Version))
	w.b.WriteString(clientSource)
	for _, name := range slices.Sorted(maps.Keys(doc.Components.Schemas)) {
		w.declaration(w.names[name], doc.Components.Schemas[name])
	}
	for _, key := range slices.Sorted(maps.Keys(doc.Channels)) {
		w.namespace(key, doc.Channels[key])
	}
	return []byte(w.b.String())
}

type typescript struct {
	b     strings.Builder
	doc   *Doc
	names map[string]string // of components
	taken map[string]bool   // in the module
}

func (w *typescript) printf(format string, args ...any) { fmt.Fprintf(&w.b, format, args...) }

func line(text string) string { return strings.Join(strings.Fields(text), " ") }

// comment writes documentation, if there is something to say.
func (w *typescript) comment(indent string, lines ...string) {
	var all []string
	for _, text := range lines {
		if text = strings.TrimSpace(strings.ReplaceAll(text, "*/", "*\\/")); text != "" {
			all = append(all, strings.Split(text, "\n")...)
		}
	}
	switch len(all) {
	case 0:
	case 1:
		w.printf("%s/** %s */\n", indent, all[0])
	default:
		w.printf("%s/**\n", indent)
		for _, text := range all {
			w.printf("%s\n", strings.TrimRight(indent+" * "+text, " "))
		}
		w.printf("%s */\n", indent)
	}
}

func (w *typescript) declaration(name string, s *Schema) {
	w.printf("\n")
	w.comment("", s.Description)
	if len(s.Properties) > 0 && slices.Equal(s.Type, Types{"object"}) {
		w.printf("export interface %s %s\n", name, w.object(s, ""))
		return
	}
	w.printf("export type %s = %s;\n", name, w.typ(s, ""))
}

// object is the type of an object with members.
func (w *typescript) object(s *Schema, indent string) string {
	inner := &typescript{doc: w.doc, names: w.names}
	inner.printf("{\n")
	for _, p := range s.Properties {
		said := p.Schema.Description
		if p.Schema.Default != nil {
			text, _ := plainJSON(p.Schema.Default)
			said = strings.TrimSpace(said + "\n@default " + string(text))
		}
		inner.comment(indent+"  ", said)
		optional := "?"
		if slices.Contains(s.Required, p.Name) {
			optional = ""
		}
		inner.printf("%s  %s%s: %s;\n", indent, member(p.Name), optional, w.typ(p.Schema, indent+"  "))
	}
	inner.printf("%s}", indent)
	return inner.b.String()
}

var word = regexp.MustCompile(`^[\p{L}_$][\p{L}\p{Nd}_$]*$`)

// member is a name as a member of a type.
func member(name string) string {
	if word.MatchString(name) {
		return name
	}
	return literal(name)
}

func literal(v any) string {
	text, err := plainJSON(v)
	if err != nil {
		return "unknown"
	}
	return string(text)
}

// typ is a schema as a type.
func (w *typescript) typ(s *Schema, indent string) string {
	if s.Ref != "" {
		if name, known := w.names[s.refName()]; known {
			return name
		}
		return "unknown"
	}
	switch {
	case s.never:
		return "never"
	case s.Attachment:
		return "Bytes"
	case s.Const != nil:
		return literal(s.Const)
	case s.Enum != nil:
		return join(s.Enum, literal)
	case s.AnyOf != nil || s.OneOf != nil:
		return join(slices.Concat(s.AnyOf, s.OneOf), func(s *Schema) string { return w.typ(s, indent) })
	case len(s.Type) > 0:
		return join(s.Type, func(t string) string { return w.simple(t, s, indent) })
	case len(s.AllOf) == 1:
		return w.typ(s.AllOf[0], indent)
	}
	return "unknown"
}

// join makes a union.
func join[T any](of []T, name func(T) string) string {
	var all []string
	for _, one := range of {
		if n := name(one); !slices.Contains(all, n) {
			all = append(all, n)
		}
	}
	if slices.Contains(all, "unknown") {
		return "unknown"
	}
	return strings.Join(all, " | ")
}

func (w *typescript) simple(t string, s *Schema, indent string) string {
	switch t {
	case "integer", "number":
		return "number"
	case "array":
		return w.array(s, indent)
	case "object":
		switch {
		case len(s.Properties) > 0:
			return w.object(s, indent)
		case s.AdditionalProperties != nil && !s.AdditionalProperties.never:
			return "{ [name: string]: " + w.typ(s.AdditionalProperties, indent) + " }"
		case s.AdditionalProperties != nil:
			return "Record<string, never>"
		}
		return "{ [name: string]: unknown }"
	}
	return t // string, boolean, null
}

// longestTuple is how many items an array of a fixed length has at most to be written out.
const longestTuple = 8

func (w *typescript) array(s *Schema, indent string) string {
	if s.PrefixItems != nil {
		return "[" + strings.Join(w.list(s, indent), ", ") + "]"
	}
	of := "unknown"
	if s.Items != nil {
		of = w.typ(s.Items, indent)
	}
	if n := s.MinItems; n != nil && s.MaxItems != nil && *n == *s.MaxItems && *n <= longestTuple {
		return "[" + strings.Join(slices.Repeat([]string{of}, *n), ", ") + "]"
	}
	if strings.ContainsAny(of, "|{") {
		of = "(" + of + ")"
	}
	return of + "[]"
}

// list are the types of an array's items, one after the other.
func (w *typescript) list(s *Schema, indent string) (all []string) {
	for _, item := range s.PrefixItems {
		all = append(all, w.typ(item, indent))
	}
	if s.Items != nil && !s.Items.never {
		rest := &Schema{Type: Types{"array"}, Items: s.Items}
		all = append(all, "..."+w.array(rest, indent))
	}
	return all
}
