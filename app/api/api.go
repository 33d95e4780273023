// Package api is the form of the HTTP API: typed handlers with guards, one shape of errors,
// and the OpenAPI 3.1 document of it all. What there is to call, each part of the
// application adds:
//
//	api.Handle(a, api.Route{
//		Method: "POST", Path: "/api/rooms", Access: api.User, Status: 201,
//		Tag: "Chat", Summary: "Open a room",
//	}, c.open)
//
// A handler takes a struct whose fields say where their values come from, and returns one,
// as huma has it (https://huma.rocks/features/request-inputs/): Body is the JSON, tags name
// parameters of path, query and header, and rules for all of them.
//
// Errors are those of gateways: {"status":"error","code":…,"message":…,"details":…}. The
// HTTP status goes by the code (see [gateway.WriteError]).
package api

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"path"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/danielgtaylor/huma/v2/yaml"

	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/gateway"
)

// Access says who may call a route. Who may do what with which thing is decided behind that,
// by its handler.
type Access string

// The kinds of callers.
const (
	Public  Access = "public"  // anybody
	User    Access = "user"    // who is signed in
	Admin   Access = "admin"   // who is signed in and an administrator
	Service Access = "service" // another service, with its token
)

// Route is one thing that can be called.
type Route struct {
	Method, Path string // the path as http.ServeMux has it: "/api/rooms/{id}"
	Access       Access
	Status       int             // of success. Default 200, or 204 where there is no answer
	MaxBody      int64           // bytes of a request's body. Default 64 KiB
	Use          []gateway.Layer // guards and filters, asked behind Access
	Tag          string          // the chapter of the documentation that it is in
	Summary      string          // what it does, in the imperative
	Description  string          // what there is to say beyond that, in Markdown
}

// Options configures an [API].
type Options struct {
	// Version is the program's.
	Version string
	// AllowedOrigins are other sites whose pages may call, as [socketio.Options] has them.
	// Default none.
	AllowedOrigins []string
	// BodyTimeout is how long a request's body may take to come. Default 30 s.
	BodyTimeout time.Duration
	// Protect has requests pass what an Access and guards ask for.
	Protect func(access Access, use []gateway.Layer) func(http.Handler) http.Handler
	// Failed is told of errors that callers are not: those without a code.
	Failed func(ctx context.Context, route string, err error)
}

// API is an http.Handler for everything below /api/.
type API struct {
	opts   Options
	sites  *sites
	huma   huma.API
	mux    *http.ServeMux
	routes []Route
	next   func(http.Handler) http.Handler // surrounds the route that is being registered
}

// New makes an API that has no routes yet. It is put together before it serves.
func New(o Options) *API {
	if o.BodyTimeout <= 0 {
		o.BodyTimeout = 30 * time.Second
	}
	a := &API{opts: o, sites: newSites(o.AllowedOrigins), mux: http.NewServeMux()}
	config := huma.DefaultConfig("Kachi", o.Version)
	config.OpenAPIPath, config.DocsPath, config.SchemasPath, config.CreateHooks = "", "", "", nil
	config.Formats = map[string]huma.Format{"application/json": strictJSON, "json": strictJSON}
	config.Info.Description = "Times are in UTC (RFC 3339), ids are strings. Tokens are sent as `Authorization: Bearer …`."
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"user":    {Type: "http", Scheme: "bearer", BearerFormat: "JWT", Description: "The accessToken of a sign-in."},
		"service": {Type: "http", Scheme: "bearer", Description: "A token that the server was given by --service-token."},
	}
	config.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	config.Components.Schemas.RegisterTypeAlias(reflect.TypeFor[store.ID](), reflect.TypeFor[idSchema]())
	a.huma = humago.New(guarded{a}, config)
	a.mux.HandleFunc(everything, a.nowhere)
	return a
}

// schemaName names a type in the document by its package as well: two parts may each have a
// Message.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	pkg := path.Base(t.PkgPath())
	if t.Name() == "" || pkg == "." {
		return name
	}
	return sentence(pkg) + strings.TrimPrefix(name, sentence(pkg))
}

// Routes returns what was registered, in that order.
func (a *API) Routes() []Route { return a.routes }

// Document returns the OpenAPI document, as JSON.
func (a *API) Document() ([]byte, error) {
	document := *a.huma.OpenAPI()
	document.Paths = make(map[string]*huma.PathItem, len(document.Paths))
	for path, item := range a.huma.OpenAPI().Paths {
		// A parameter that takes the rest of a path is one like others there.
		document.Paths[strings.ReplaceAll(path, "...}", "}")] = item
	}
	return document.MarshalJSON()
}

// YAML is a document in the other form that tools ask for.
func YAML(document []byte) ([]byte, error) {
	var out bytes.Buffer
	err := yaml.Convert(&out, bytes.NewReader(document))
	return out.Bytes(), err
}

// guarded registers routes behind their guards.
type guarded struct{ *API }

func (g guarded) HandleFunc(pattern string, handler func(http.ResponseWriter, *http.Request)) {
	g.mux.Handle(pattern, g.next(http.HandlerFunc(handler)))
}

var notWord = regexp.MustCompile(`[^a-z]+`)

// Handle adds a route. A route that makes no sense is a mistake of the program: it panics.
//
// The handler's context ends when its caller goes away, where all that it does is GET. Other
// methods are brought to their end, for a minute at most.
func Handle[In, Out any](a *API, r Route, handler func(context.Context, *In) (*Out, error)) {
	if r.MaxBody == 0 {
		r.MaxBody = 64 << 10
	}
	a.routes = append(a.routes, r)
	ids, protect := idParametersOf(reflect.TypeFor[In]()), a.opts.Protect(r.Access, r.Use)
	a.next = func(next http.Handler) http.Handler { return protect(withIDs(ids, next)) }
	name := r.Method + " " + r.Path
	changes := r.Method != http.MethodGet
	op := huma.Operation{
		OperationID: strings.Trim(notWord.ReplaceAllString(strings.ToLower(name), "-"), "-"),
		Method:      r.Method, Path: r.Path, DefaultStatus: r.Status, MaxBodyBytes: r.MaxBody, BodyReadTimeout: a.opts.BodyTimeout,
		Tags: []string{r.Tag}, Summary: r.Summary, Description: r.Description,
	}
	switch r.Access {
	case Public:
	case User, Admin:
		op.Security = []map[string][]string{{"user": {}}}
	case Service:
		op.Security = []map[string][]string{{"service": {}}}
	default:
		panic(fmt.Errorf("api: %s: who may call it? There is no access %q", name, r.Access))
	}
	huma.Register(a.huma, op, func(ctx context.Context, in *In) (*Out, error) {
		out, err := survive(ctx, changes, in, handler)
		if err == nil {
			return out, nil
		}
		if gateway.CodeOf(err) == gateway.CodeInternal && a.opts.Failed != nil {
			a.opts.Failed(ctx, name, err)
		}
		return nil, withHeaders(problemOf(err, name), err)
	})
}
