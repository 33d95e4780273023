package hosts

import (
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	gingzip "github.com/gin-contrib/gzip"
	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	chimiddleware "github.com/go-chi/chi/v5/middleware"
	"github.com/gorilla/handlers"
	"github.com/labstack/echo/v4"
	echomiddleware "github.com/labstack/echo/v4/middleware"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio"
)

const (
	patience = 4 * time.Second // of the middlewares that have one; a busy machine needs some
	beat     = 5 * time.Second // polls would wait longer than that
)

// The official client behind the middleware of others, each as its documentation has it.
func TestMiddleware(t *testing.T) {
	t.Parallel()
	node.ready(t)
	gin.SetMode(gin.ReleaseMode)
	for _, m := range []struct {
		name   string
		wrap   func(*testing.T, http.Handler) http.Handler
		hidden bool // no way to the connection: polling alone
	}{
		{name: "chi", wrap: func(t *testing.T, next http.Handler) http.Handler {
			r := chi.NewRouter()
			logger := chimiddleware.RequestLogger(&chimiddleware.DefaultLogFormatter{Logger: discard{}, NoColor: true})
			r.Use(chimiddleware.RequestID, logger, chimiddleware.Recoverer, chimiddleware.Compress(5), chimiddleware.Timeout(patience))
			r.Mount("/", next)
			return r
		}},
		{name: "gin", wrap: func(t *testing.T, next http.Handler) http.Handler {
			return ginRouter(t, next)
		}},
		{name: "gin with gzip", wrap: func(t *testing.T, next http.Handler) http.Handler {
			return ginRouter(t, next, gingzip.Gzip(gingzip.DefaultCompression))
		}},
		{name: "gin with a time-out", wrap: func(t *testing.T, next http.Handler) http.Handler {
			return ginRouter(t, next, func(c *gin.Context) {
				ctx, cancel := context.WithTimeout(c.Request.Context(), patience)
				defer cancel()
				c.Request = c.Request.WithContext(ctx)
				c.Next()
			})
		}},
		{name: "echo", wrap: func(t *testing.T, next http.Handler) http.Handler {
			return echoRouter(t, next)
		}},
		{name: "echo with gzip", wrap: func(t *testing.T, next http.Handler) http.Handler {
			return echoRouter(t, next, echomiddleware.Gzip())
		}},
		{name: "echo with ContextTimeout", wrap: func(t *testing.T, next http.Handler) http.Handler {
			return echoRouter(t, next, echomiddleware.ContextTimeout(patience))
		}},
		{name: "echo with Timeout", hidden: true, wrap: func(t *testing.T, next http.Handler) http.Handler {
			//lint:ignore SA1019 programs use it
			return echoRouter(t, next, echomiddleware.TimeoutWithConfig(echomiddleware.TimeoutConfig{Timeout: patience}))
		}},
		{name: "otelhttp", wrap: func(t *testing.T, next http.Handler) http.Handler {
			return otelhttp.NewHandler(next, "kachi")
		}},
		{name: "gorilla", wrap: func(t *testing.T, next http.Handler) http.Handler {
			return handlers.CombinedLoggingHandler(io.Discard, handlers.RecoveryHandler()(handlers.CompressHandler(next)))
		}},
		{name: "a writer without Hijack and Unwrap", hidden: true, wrap: func(t *testing.T, next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(&hiding{w, 0}, r) })
		}},
		{name: "gzip by hand, without Hijack and Unwrap", hidden: true, wrap: gzipByHand},
		{name: "all of them", wrap: func(t *testing.T, next http.Handler) http.Handler {
			r := chi.NewRouter()
			r.Use(chimiddleware.Compress(5), chimiddleware.Timeout(patience))
			r.Mount("/", echoRouter(t, otelhttp.NewHandler(ginRouter(t, next, gingzip.Gzip(1)), "kachi")))
			return r
		}},
	} {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, place{
				options:   socketio.Options{PingInterval: beat},
				wrap:      func(next http.Handler) http.Handler { return m.wrap(t, next) },
				configure: func(h *httptest.Server) { h.Config.ReadTimeout, h.Config.WriteTimeout = patience, patience },
			})
			for _, way := range []string{"polling, compressed", "websocket", "upgrade"} {
				t.Run(way, func(t *testing.T) {
					t.Parallel()
					c := s.client(t, way)
					if way == "websocket" && m.hidden {
						assert.Equal(t, c.happened("connect_error").Reason, "websocket error")
						return
					}
					c.holds(way, !m.hidden)
					c.pings(1)
					c.holds(way, !m.hidden)
				})
			}
			t.Cleanup(func() { // after those in parallel
				for _, r := range s.refusals() {
					if r.Code == engineio.CodeUnknownSession {
						continue // a last poll that comes behind the goodbye
					}
					assert.True(t, m.hidden && r.Status == http.StatusNotImplemented, r.Status, r.Message, r.Err)
				}
				log := s.log.String()
				assert.Equal(t, strings.Count(log, "clients cannot use WebSocket here") == 1, m.hidden, log)
				assert.True(t, !strings.Contains(log, "panic"), log)
			})
		})
	}
}

func ginRouter(t *testing.T, next http.Handler, more ...gin.HandlerFunc) http.Handler {
	r := gin.New()
	r.Use(gin.LoggerWithWriter(io.Discard), gin.CustomRecoveryWithWriter(io.Discard, func(_ *gin.Context, p any) { t.Error("panic:", p) }))
	r.Use(more...)
	r.Any("/socket.io/*any", gin.WrapH(next))
	return r
}

func echoRouter(t *testing.T, next http.Handler, more ...echo.MiddlewareFunc) http.Handler {
	e := echo.New()
	logger := echomiddleware.DefaultLoggerConfig
	logger.Output = io.Discard
	recovered := echomiddleware.RecoverConfig{LogErrorFunc: func(_ echo.Context, err error, stack []byte) error {
		t.Errorf("panic: %v\n%s", err, stack)
		return err
	}}
	//lint:ignore SA1019 programs use it
	e.Use(echomiddleware.LoggerWithConfig(logger), echomiddleware.RecoverWithConfig(recovered))
	e.Use(more...)
	e.Any("/socket.io/*", echo.WrapHandler(next))
	return e
}

type discard struct{}

func (discard) Print(...any) {}

// hiding is what much logging middleware in the wild makes of a ResponseWriter.
type hiding struct {
	http.ResponseWriter
	status int
}

func (h *hiding) WriteHeader(status int) { h.status = status; h.ResponseWriter.WriteHeader(status) }

// gzipByHand is the middleware of many tutorials.
func gzipByHand(_ *testing.T, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			next.ServeHTTP(&hiding{w, 0}, r)
			return
		}
		w.Header().Set("Content-Encoding", "gzip")
		gz := gzip.NewWriter(w)
		defer gz.Close()
		next.ServeHTTP(&zipping{w, gz}, r)
	})
}

type zipping struct {
	http.ResponseWriter
	w io.Writer
}

func (z *zipping) WriteHeader(status int) {
	z.Header().Del("Content-Length")
	z.ResponseWriter.WriteHeader(status)
}

func (z *zipping) Write(p []byte) (int, error) { return z.w.Write(p) }
