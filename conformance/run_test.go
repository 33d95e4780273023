package conformance_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/internal/nodetest"
	"github.com/kachi-io/kachi/socketio"
	"github.com/kachi-io/kachi/socketio/packet/msgpack"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fixtures are the servers that a script may ask for, by name.
type fixtures map[string]fixture

// run lets Node run a script of conformance/js/client and makes a subtest of each of its
// checks. KACHI_CHECK in the environment is a regular expression: only checks whose
// names match run.
func run(t *testing.T, script string, f fixtures) {
	t.Parallel()
	play(t, script, f)
}

// runEach is run in every encoding.
func runEach(t *testing.T, script string, f fixtures) {
	t.Run("json", func(t *testing.T) { run(t, script, f) })
	t.Run("msgpack", func(t *testing.T) {
		t.Parallel()
		encoded := fixtures{}
		for name, fx := range f {
			fx.beside = func(mux *http.ServeMux, srv *socketio.Server) {
				mux.Handle("/encoded/", srv.Handler(socketio.Mount{Encoding: msgpack.Encoding}))
			}
			encoded[name] = fx
		}
		play(t, script, encoded, "KACHI_PARSER=socket.io-msgpack-parser")
	})
}

func play(t *testing.T, script string, f fixtures, env ...string) {
	th := &theatre{fixtures: f, stages: map[string]*stage{}}
	host := httptest.NewServer(th)
	defer host.Close()
	nodetest.Checks(t, "client/"+script, th.log, append(env, "KACHI_CONTROL="+host.URL)...)
	th.end()
}

// theatre gives stages to a script: POST /open?fixture=, /call?stage=&name=,
// /close?stage=, with JSON in and out.
type theatre struct {
	fixtures fixtures

	mu     sync.Mutex
	stages map[string]*stage
}

func (th *theatre) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 45*time.Second)
	defer cancel()
	answer, err := th.serve(ctx, r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (th *theatre) serve(ctx context.Context, r *http.Request) (any, error) {
	q := r.URL.Query()
	if r.URL.Path == "/open" {
		f, ok := th.fixtures[q.Get("fixture")]
		if !ok {
			return nil, fmt.Errorf("no fixture %q", q.Get("fixture"))
		}
		s, err := newStage(f)
		if err != nil {
			return nil, err
		}
		th.mu.Lock()
		defer th.mu.Unlock()
		id := strconv.Itoa(len(th.stages))
		th.stages[id] = s
		return map[string]string{"stage": id, "url": s.url(), "ca": s.ca()}, nil
	}
	th.mu.Lock()
	s := th.stages[q.Get("stage")]
	th.mu.Unlock()
	if s == nil {
		return nil, fmt.Errorf("no stage %q", q.Get("stage"))
	}
	if r.URL.Path == "/close" {
		return nil, s.close(ctx, q.Get("empty") == "true")
	}
	var args []json.RawMessage
	if err := json.NewDecoder(r.Body).Decode(&args); err != nil {
		return nil, err
	}
	c := s.controls[q.Get("name")]
	if c == nil {
		return nil, fmt.Errorf("no control %q", q.Get("name"))
	}
	return c(ctx, decoder(args))
}

func (th *theatre) log(id string) string {
	th.mu.Lock()
	defer th.mu.Unlock()
	if s := th.stages[id]; s != nil {
		return s.log.tail()
	}
	return ""
}

// end closes what a script that failed has left open.
func (th *theatre) end() {
	for _, s := range th.stages {
		_ = s.down(context.Background())
	}
}
