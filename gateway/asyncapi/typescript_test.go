package asyncapi_test

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/asyncapi"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/nodetest"
)

// compile writes the module for a document beside a program, and compiles both as strictly
// as the pages are.
func compile(t *testing.T, doc *asyncapi.Doc, program []byte) (dir string) {
	t.Helper()
	js := nodetest.Dir(t)
	dir = t.TempDir()
	assert.NoError(t, os.Symlink(filepath.Join(js, "node_modules"), filepath.Join(dir, "node_modules")))
	for name, text := range map[string][]byte{
		"package.json": []byte(`{"type":"module"}`),
		"client.ts":    asyncapi.TypeScript(doc),
		"program.ts":   program,
		"tsconfig.json": []byte(`{"files":["client.ts","program.ts"],"compilerOptions":{
			"target":"ES2022","module":"NodeNext","lib":["ES2023","DOM"],"types":["node"],"outDir":"out","rootDir":".",
			"strict":true,"noUncheckedIndexedAccess":true,"noImplicitOverride":true,"noUnusedLocals":true,"noUnusedParameters":true,
			"exactOptionalPropertyTypes":true,"verbatimModuleSyntax":true,"isolatedModules":true,"erasableSyntaxOnly":true,"skipLibCheck":true}}`),
	} {
		assert.NoError(t, os.WriteFile(filepath.Join(dir, name), text, 0o644))
	}
	out, err := nodetest.Command(t, "node_modules/typescript/bin/tsc", "-p", dir).CombinedOutput()
	assert.NoError(t, err, string(out))
	return dir
}

// runProgram runs a program with the clients of an app, and returns what it tells.
func runProgram(t *testing.T, app *gateway.App, program []byte) (told map[string]any) {
	t.Helper()
	doc, err := asyncapi.Document(app, info)
	assert.NoError(t, err)
	dir := compile(t, doc, program)
	host := httptest.NewServer(app)
	defer host.Close()
	name, err := filepath.Rel(nodetest.Dir(t), filepath.Join(dir, "out", "program.js"))
	assert.NoError(t, err)
	assert.NoError(t, json.Unmarshal(nodetest.Run(t, name, host.URL), &told))
	return told
}

func TestTypeScript(t *testing.T) {
	program, err := os.ReadFile("testdata/program.ts")
	assert.NoError(t, err)
	app := newApp(t, gateways()...)
	doc, err := asyncapi.Document(app, info)
	assert.NoError(t, err)
	read, err := asyncapi.Parse(doc.JSON())
	assert.NoError(t, err)
	assert.Equal(t, string(asyncapi.TypeScript(read)), string(asyncapi.TypeScript(doc)))

	assert.Equal(t, runProgram(t, app, program), map[string]any{
		"receipt": 7.0, "message": []any{"hello", "text", 0.0, []any{1.0, 2.0, 3.0}},
		"joined": []any{"nest", 2.0}, "page": []any{"nest"}, "add": 3.0, "swap": []any{"x", 1.0}, "sum": 6.0, "anything": 3.0, "none": true,
		"streamed": 3.0, "items": []any{0.0, 1.0, 2.0},
		"invalid": []any{"invalid", "text is missing", "message", []any{"text"}},
		"order":   []any{1.0, 2.0, 2.0, 3.0},
		"timeout": []any{"timeout", "there was no answer in time", "slow", []any{}},
		"typed":   7.0, "exception": "error bad_request", "moved": map[string]any{"x": 1.5, "7": 1.0},
		"stranger": []any{"unauthorized", "no such token", nil, []any{}}, "name": "Mina", "lost": []any{4.0, 5.0},
		"over": 5.0, "overs": []any{"closed", "connected", "closed", []any{"disconnected", "the client is not connected", "add", []any{}}},
		"refused": []any{"disconnected", "the client is not connected", "move", []any{}},
		"closed":  []any{"disconnected", "the connection ended before the answer", "slow", []any{}},
	})
	for _, want := range []string{"token 2", "token 3"} {
		assert.Equal(t, assert.Receive(t, refreshed), want)
	}
}

// TestTypeScriptOfOddNames has the compiler look at what nobody would write by hand.
func TestTypeScriptOfOddNames(t *testing.T) {
	type (
		Promise struct{ A int }
		Error   struct {
			A Promise `json:"a-b" doc:"*/ throw 1; /*"`
			B int     `json:"ünïcode"`
			C *[]*Tree
			D map[string]*Nested
			E [2]*bool
			F []any
			G struct {
				H []struct{ I string } `doc:"two\nlines"`
			}
			J [20]int
			K []string `validate:"dive,oneof='a b' c"`
		}
		KachiClient struct{}
		Äpfel       struct{ Nothing struct{} }
	)
	odd := gateway.NewEvent[Error]("a \"quoted\" event").Describe("*/ throw 1; /*\nand more")
	more := gateway.NewEvent[gateway.Rest[KachiClient]]("more")
	register := func(g *gateway.Namespace[gateway.Nobody]) {
		g.Emits(odd, more)
		for _, event := range []string{"room:join", "room-join", "constructor", "ask", "close", "delete", "7", "ünï", "한글", " ", "toString"} {
			gateway.On(g, event, func(nobody, Error) (Äpfel, error) { return Äpfel{}, nil }).Deprecated("*/")
		}
		gateway.On(g, "many", func(nobody, gateway.Args3[any, []byte, *Promise]) (any, error) { return nil, nil })
		gateway.On(g, "raw", func(nobody, gateway.Raw) (gateway.Rest[int], error) { return nil, nil })
	}
	all := []gateway.Gateway{
		gateway.New("/", gateway.Anyone, register), gateway.New("/a-b", gateway.Anyone, register), gateway.New("/a/b", gateway.Anyone, register),
		gateway.New("/*/ throw 1", gateway.Anyone, register), gateway.New("/`${process}`", gateway.Anyone, register),
		gateway.Pattern("/${new}-${y}\\", gateway.Anyone, register, nil),
	}
	assert.Equal(t, judge(t, document(t, all...).JSON()).Problems, []string{})
	all = append(all, gateway.Pattern("/{{x}}-{y}", gateway.Anyone, register, nil)) // which AsyncAPI has no way to say
	compile(t, document(t, all...), []byte(`
		import { RootClient, ABClient, AB2Client, type Error2, type Promise2 } from "./client.js";
		export const promise: Promise2 = { A: 1 };
		export async function all(root: RootClient, error: Error2): Promise<unknown> {
			new ABClient("").close();
			new AB2Client("").close();
			root.socket.on("more", (...rest) => rest.length);
			await root.roomJoin(error);
			await root._7(error);
			await root.delete(error);
			await root.한글(error);
			const buffer: ArrayBuffer = new ArrayBuffer(1);
			await root.many(1, buffer, null);
			return (await root.close_(error)).Nothing;
		}
	`))
}

// The pages are compiled by the same compiler.
func TestTypeScriptIsTheOneOfThePages(t *testing.T) {
	versions := map[string]string{}
	for _, path := range []string{"../../conformance/js/package.json", "../../web/package.json"} {
		text, err := os.ReadFile(path)
		assert.NoError(t, err)
		var file struct{ Dependencies, DevDependencies map[string]string }
		assert.NoError(t, json.Unmarshal(text, &file))
		versions[path] = file.Dependencies["typescript"] + file.DevDependencies["typescript"]
		assert.Equal(t, versions[path], versions["../../conformance/js/package.json"])
	}
	assert.Equal(t, len(versions), 2)
}
