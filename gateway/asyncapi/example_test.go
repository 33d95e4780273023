package asyncapi_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/asyncapi"
)

// Note is what the gateway of these examples takes.
type Note struct {
	Text string `json:"text" validate:"required,max=200" doc:"what to remember"`
	List string `json:"list,omitempty" validate:"omitempty,oneof=home work"`
}

var noted = gateway.NewEvent[Note]("noted").Describe("Somebody wrote a note.")

// notes is an app with one gateway.
func notes() *gateway.App {
	app, err := gateway.NewApp(&gateway.Options{Validator: noValidation}, // gateway/validate has one
		gateway.New("/notes", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
			g.Emits(noted)
			gateway.On(g, "note", func(c *gateway.Context[gateway.Nobody], in Note) (int, error) {
				return 1, noted.Emit(c, c.Others(), in)
			}).Describe("Writes a note, and answers with its number.")
		}))
	if err != nil {
		panic(err)
	}
	return app
}

func ExampleDocument() {
	doc, err := asyncapi.Document(notes(), asyncapi.Info{Title: "Notes", Version: "1.2.0"})
	if err != nil {
		panic(err)
	}
	o := doc.Operations["notes.receive.note"]
	fmt.Println(o.Action, o.Title+":", o.Description)
	text := string(doc.JSON())
	fmt.Println(text[strings.Index(text, `      "Note": {`):strings.Index(text, `    "messages": {
      "ErrorAnswer"`)])
	// Output:
	// receive note: Writes a note, and answers with its number.
	//       "Note": {
	//         "type": "object",
	//         "properties": {
	//           "text": {
	//             "description": "what to remember",
	//             "type": "string",
	//             "minLength": 1,
	//             "maxLength": 200
	//           },
	//           "list": {
	//             "type": "string",
	//             "enum": [
	//               "home",
	//               "work"
	//             ]
	//           }
	//         },
	//         "required": [
	//           "text"
	//         ]
	//       }
	//     },
}

func ExampleTypeScript() {
	doc, err := asyncapi.Document(notes(), asyncapi.Info{})
	if err != nil {
		panic(err)
	}
	module := string(asyncapi.TypeScript(doc))
	fmt.Print(module[strings.Index(module, "/** What clients send in /notes. */"):])
	// Output:
	// /** What clients send in /notes. */
	// export interface NotesClientToServerEvents {
	//   /** Writes a note, and answers with its number. */
	//   note: (data: Note, answer: (answer: number | ErrorAnswer) => void) => void;
	// }
	//
	// /** A client of /notes. */
	// export class NotesClient extends KachiClient<NotesServerToClientEvents, NotesClientToServerEvents> {
	//   static readonly namespace = "/notes";
	//
	//   constructor(server: string | Socket, options?: ClientOptions) {
	//     super(server, "/notes", options);
	//   }
	//
	//   /** Writes a note, and answers with its number. */
	//   async note(data: Note, options: CallOptions = {}): Promise<number> {
	//     const answer = await this.ask("note", [data], options);
	//     return answer[0] as number;
	//   }
	// }
}

func ExampleDiff() {
	before, err := asyncapi.Document(notes(), asyncapi.Info{})
	if err != nil {
		panic(err)
	}
	after, err := asyncapi.Parse([]byte(strings.Replace(string(before.JSON()), `"maxLength": 200`, `"maxLength": 100`, 1)))
	if err != nil {
		panic(err)
	}
	changes := asyncapi.Diff(before, after)
	for _, c := range changes {
		fmt.Println(c)
	}
	fmt.Println(asyncapi.Breaking(changes))
	// Output:
	// breaking    /notes note: text: the longest length was 200 and is 100 now
	// compatible  /notes noted (sent): text: the longest length was 200 and is 100 now
	// true
}

func ExampleHandler() {
	docs, err := asyncapi.Handler(notes(), asyncapi.Info{Title: "Notes"})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/docs/", docs)

	for _, path := range []string{"/docs/", "/docs/asyncapi.json", "/docs/client.ts"} {
		answer := httptest.NewRecorder()
		mux.ServeHTTP(answer, httptest.NewRequest("GET", path, nil))
		fmt.Println(answer.Code, answer.Header().Get("Content-Type"))
	}
	// Output:
	// 200 text/html; charset=utf-8
	// 200 application/json
	// 200 text/plain; charset=utf-8
}

// A test that holds a committed document to the code.
func ExampleCommitted() {
	_ = func(t *testing.T) {
		asyncapi.Committed(t, notes(), asyncapi.Info{Title: "Notes", Version: "1.2.0"}, "asyncapi.json")
	}
}
