package asyncapi

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// arguments are a message's, as TypeScript has them: their types, and parameters that have
// a name.
type arguments struct {
	types []string // "...T[]" for any number more
	list  bool     // the payload is a list
}

func (w *typescript) arguments(m *Message) arguments {
	switch {
	case m.Arguments == ArgumentsNone || m.Payload == nil:
		return arguments{}
	case m.Arguments == ArgumentsList:
		return arguments{w.list(w.doc.resolve(m.Payload), "  "), true}
	}
	return arguments{[]string{w.typ(m.Payload, "  ")}, false}
}

func (a arguments) rest() bool {
	return len(a.types) > 0 && strings.HasPrefix(a.types[len(a.types)-1], "...")
}

var ordinals = []string{"first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"}

// parameters give the arguments names.
func (a arguments) parameters() (names, declared []string) {
	for i, t := range a.types {
		name := "data"
		switch {
		case strings.HasPrefix(t, "..."):
			name, t = "rest", t[3:]
		case a.list && i < len(ordinals):
			name = ordinals[i]
		case a.list:
			name = fmt.Sprint("argument", i+1)
		}
		names, declared = append(names, name), append(declared, name+": "+t)
	}
	return names, declared
}

// event is an operation with its message and its answer.
type event struct {
	name   string
	o      *Operation
	args   arguments
	answer *arguments // nil: there is none
}

func (w *typescript) events(key, action string) (all []event) {
	for _, id := range slices.Sorted(maps.Keys(w.doc.Operations)) {
		o := w.doc.Operations[id]
		if o.Action != action || o.Channel.Ref != "#/channels/"+key {
			continue
		}
		e := event{name: o.Title, o: o, args: w.arguments(w.doc.message(o.Messages))}
		if o.Reply != nil {
			answer := w.arguments(w.doc.message(o.Reply.Messages))
			e.answer = &answer
		}
		all = append(all, e)
	}
	return all
}

// described are the lines about an event.
func (e event) described() (lines []string) {
	lines = append(lines, e.o.Description)
	if e.o.Deprecated != "" {
		lines = append(lines, "@deprecated "+e.o.Deprecated)
	}
	return lines
}

func (w *typescript) namespace(key string, c *Channel) {
	base := identifier(strings.ReplaceAll(key, "-", " "))
	for w.taken[base+"Client"] || w.taken[base+"ServerToClientEvents"] || w.taken[base+"ClientToServerEvents"] {
		base += "_"
	}
	for _, kind := range []string{"Client", "ServerToClientEvents", "ClientToServerEvents"} {
		w.taken[base+kind] = true
	}
	sent, taken := w.events(key, "send"), w.events(key, "receive")

	w.printf("\n")
	w.comment("", "What the server sends in "+line(c.Address)+".")
	w.printf("export interface %sServerToClientEvents {\n", base)
	for _, e := range sent {
		w.comment("  ", e.described()...)
		_, declared := e.args.parameters()
		if e.args.rest() {
			declared[len(declared)-1] = "..." + declared[len(declared)-1]
		}
		w.printf("  %s: (%s) => void;\n", member(e.name), strings.Join(declared, ", "))
	}
	w.printf("}\n\n")
	w.comment("", "What clients send in "+line(c.Address)+".")
	w.printf("export interface %sClientToServerEvents {\n", base)
	for _, e := range taken {
		w.comment("  ", e.described()...)
		w.printf("  %s: (%s) => void;\n", member(e.name), strings.Join(w.emitted(e), ", "))
	}
	w.printf("}\n\n")
	w.comment("", "A client of "+line(c.Address)+".")
	w.printf("export class %[1]sClient extends KachiClient<%[1]sServerToClientEvents, %[1]sClientToServerEvents> {\n", base)
	w.constructor(c)
	members := map[string]bool{
		"constructor": true, "socket": true, "refreshToken": true, "connected": true, "close": true, "ask": true, "stream": true, "identified": true,
		"connect": true, "status": true, "onStatus": true, "then": true, // what has one is taken for a promise
		"toString": true, "toLocaleString": true, "valueOf": true, "hasOwnProperty": true, "isPrototypeOf": true, "propertyIsEnumerable": true,
	}
	for _, e := range taken {
		if e.name != refreshToken {
			w.method(e, base, members)
		}
	}
	w.printf("}\n")
}

// refreshToken is the event by which a client shows a new token: it has a method in all
// clients.
const refreshToken = "refreshToken"

// emitted are the parameters of an event that clients send, with the callback.
func (w *typescript) emitted(e event) []string {
	_, declared := e.args.parameters()
	if e.answer == nil {
		if e.args.rest() {
			declared[len(declared)-1] = "..." + declared[len(declared)-1]
		}
		return declared
	}
	failed := w.names[errorName]
	if failed == "" {
		failed = "unknown"
	}
	callback := ""
	optional := ""
	switch {
	case len(e.answer.types) == 0:
		callback, optional = fmt.Sprintf("(answer?: %s) => void", failed), "?"
	case e.answer.list:
		callback = fmt.Sprintf("(...answer: [%s] | [%s]) => void", strings.Join(e.answer.types, ", "), failed)
	default:
		callback = fmt.Sprintf("(answer: %s | %s) => void", e.answer.types[0], failed)
		if e.answer.types[0] == "unknown" {
			callback = "(answer: unknown) => void"
		}
	}
	if e.args.rest() {
		all := append(slices.Clone(e.args.types), "answer: "+callback)
		for i, t := range e.args.types { // all members of a tuple have a name, or none
			if name, more := "argument"+fmt.Sprint(i+1), strings.HasPrefix(t, "..."); more {
				all[i] = "...rest: " + t[3:]
			} else {
				all[i] = name + ": " + t
			}
		}
		return []string{"...args: [" + strings.Join(all, ", ") + "]"}
	}
	return append(declared, "answer"+optional+": "+callback)
}

func (w *typescript) constructor(c *Channel) {
	names, version := parameters(c.Address), ""
	if v := w.doc.Info.ClientVersion; v > 0 {
		version = fmt.Sprint(", ", v)
	}
	if len(names) == 0 {
		w.printf("  static readonly namespace = %s;\n\n", literal(c.Address))
		w.printf("  constructor(server: string | Socket, options?: ClientOptions) {\n    super(server, %s, options%s);\n  }\n", literal(c.Address), version)
		return
	}
	var declared []string
	for _, name := range names {
		declared = append(declared, member(name)+": string | number")
	}
	address := parameter.ReplaceAllStringFunc(strings.NewReplacer("\\", "\\\\", "`", "\\`", "$", "\\$").Replace(c.Address), func(found string) string {
		switch found {
		case "{{", "}}":
			return found[:1]
		}
		return "${names." + found[1:len(found)-1] + "}"
	})
	w.printf("  constructor(server: string | Socket, names: { %s }, options?: ClientOptions) {\n    super(server, `%s`, options%s);\n  }\n", strings.Join(declared, "; "), address, version)
}

// takesUUID reports whether a member can hold an id that the client makes up.
func (w *typescript) takesUUID(input *Schema, member string) bool {
	plain, _ := w.doc.plain(input)
	s := plain.Properties.Named(member)
	if s == nil {
		return false
	}
	s, _ = w.doc.plain(s)
	const length = 36
	return slices.Equal(s.Type, Types{"string"}) && s.choice() == nil && len(s.patterns()) == 0 && s.Rules == "" &&
		(s.Format == "" || s.Format == "uuid") && (s.MinLength == nil || *s.MinLength <= length) && (s.MaxLength == nil || *s.MaxLength >= length)
}

// method writes the method of an event.
func (w *typescript) method(e event, base string, members map[string]bool) {
	names, declared := e.args.parameters()
	sent := slices.Clone(names)
	if e.args.rest() {
		sent[len(sent)-1] = "...rest"
	}
	repeatable := ""
	if i := e.o.Idempotent; i != nil && len(names) == 1 && !e.args.list && w.takesUUID(w.doc.message(e.o.Messages).Payload, i.Key) {
		sent[0], repeatable = fmt.Sprintf("this.identified(data, %s)", literal(i.Key)), ", true"
	}
	name := e.name
	if !word.MatchString(name) {
		name = identifier(key(name))
		name = strings.ToLower(name[:1]) + name[1:]
	}
	for members[name] {
		name += "_"
	}
	members[name] = true
	w.printf("\n")
	w.comment("  ", e.described()...)
	if e.answer == nil {
		w.printf("  %s(%s): void {\n    this.socket.emit(%s);\n  }\n", name, strings.Join(declared, ", "), strings.Join(append([]string{literal(e.name)}, sent...), ", "))
		return
	}
	result, give := "void", ""
	switch {
	case e.answer.list:
		result = "[" + strings.Join(e.answer.types, ", ") + "]"
		give = "return answer as " + result
	case len(e.answer.types) == 1:
		result = e.answer.types[0]
		give = "return answer[0] as " + result
	}
	call := fmt.Sprintf("this.ask(%s, [%s], options%s)", literal(e.name), strings.Join(sent, ", "), repeatable)
	if e.o.Stream != "" {
		declared = append(declared, fmt.Sprintf("each: %sServerToClientEvents[%s]", base, literal(e.o.Stream)))
		call = fmt.Sprintf("this.stream(%s, %s, each, [%s], options)", literal(e.name), literal(e.o.Stream), strings.Join(sent, ", "))
	}
	declared = append(declared, "options: CallOptions = {}")
	w.printf("  async %s(%s): Promise<%s> {\n", member(name), strings.Join(declared, ", "), result)
	if give == "" {
		w.printf("    await %s;\n  }\n", call)
		return
	}
	w.printf("    const answer = await %s;\n    %s;\n  }\n", call, give)
}
