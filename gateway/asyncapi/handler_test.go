package asyncapi_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/asyncapi"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/external"
)

func serveDocs(t *testing.T, o asyncapi.Info, all ...gateway.Gateway) string {
	t.Helper()
	docs, err := asyncapi.Handler(newApp(t, all...), o)
	assert.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/docs/", docs)
	host := httptest.NewServer(mux)
	t.Cleanup(host.Close)
	return host.URL + "/docs/"
}

func request(t *testing.T, method, url string, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	assert.NoError(t, err)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	assert.NoError(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	assert.NoError(t, err)
	return answer, string(body)
}

func TestHandler(t *testing.T) {
	url := serveDocs(t, info, gateways()...)
	doc := document(t)
	for _, test := range []struct{ name, kind, has string }{
		{"asyncapi.json", "application/json", string(doc.JSON())},
		{"client.ts", "text/plain; charset=utf-8", string(asyncapi.TypeScript(doc))},
		{"", "text/html; charset=utf-8", "<h1>Chat <small>1.0.0</small></h1>"},
	} {
		answer, body := request(t, "GET", url+test.name)
		assert.Equal(t, answer.StatusCode, 200)
		assert.Equal(t, answer.Header.Get("Content-Type"), test.kind)
		assert.True(t, strings.Contains(body, test.has), test.name)
		again, _ := request(t, "GET", url+test.name, "If-None-Match", answer.Header.Get("ETag"))
		assert.Equal(t, again.StatusCode, 304)
		head, nothing := request(t, "HEAD", url+test.name)
		assert.Equal(t, head.StatusCode, 200)
		assert.Equal(t, nothing, "")
		post, _ := request(t, "POST", url+test.name)
		assert.Equal(t, post.StatusCode, 405)
	}
	missing, _ := request(t, "GET", url+"other")
	assert.Equal(t, missing.StatusCode, 404)
}

func TestThePageIsText(t *testing.T) {
	const attack = `<script>alert("x")</script>`
	url := serveDocs(t, asyncapi.Info{Title: attack, Description: attack}, gateway.New("/"+attack, gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		gateway.On(g, attack, func(nobody, struct {
			A string `doc:"<script>alert(1)</script>" validate:"oneof=<script> b"`
		}) (int, error) {
			return 0, nil
		}).Describe(attack).Deprecated(attack)
	}))
	_, body := request(t, "GET", url)
	assert.True(t, strings.Contains(body, "&lt;script&gt;"), body)
	assert.True(t, !strings.Contains(body, "<script"), body)
}

// TestThePageInABrowser looks at the page as its readers do.
func TestThePageInABrowser(t *testing.T) {
	path := external.Program(t, "chromium", "chromium-browser", "google-chrome")
	url := serveDocs(t, info, gateways()...)
	allocator, stop := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("user-data-dir", t.TempDir()))...)
	defer stop()
	browser, cancel := chromedp.NewContext(allocator)
	defer cancel()
	defer func() { _ = chromedp.Cancel(browser) }()
	ctx, late := context.WithTimeout(browser, time.Minute)
	defer late()
	for _, look := range []struct {
		name   string
		width  int64
		scheme string
		ground string
	}{
		{"wide-light", 1100, "light", "rgb(244, 245, 243)"},
		{"wide-dark", 1100, "dark", "rgb(17, 21, 26)"},
		{"phone", 360, "light", "rgb(244, 245, 243)"},
	} {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: look.scheme}},
		})
		assert.NoError(t, err)
		assert.NoError(t, chromedp.Do(ctx, chromedp.EmulateViewport(look.width, 800), chromedp.Navigate(url)))
		ground, err := chromedp.Run(ctx, chromedp.Evaluate[string](`getComputedStyle(document.documentElement).backgroundColor`))
		assert.NoError(t, err)
		assert.Equal(t, ground, look.ground, look.name)
		fits, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`document.documentElement.scrollWidth <= innerWidth`))
		assert.NoError(t, err)
		assert.True(t, fits, look.name)
		broken, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](
			`[...document.querySelectorAll('a[href^="#"]')].map((a) => a.getAttribute("href").slice(1)).filter((id) => !document.getElementById(id))`))
		assert.NoError(t, err)
		assert.Equal(t, broken, []string{}, look.name)
		for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeKeyDown, input.DispatchKeyEventTypeKeyUp} {
			_, err = chromedp.Call(ctx, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: kind, Key: "Tab", Code: "Tab", WindowsVirtualKeyCode: 9})
			assert.NoError(t, err)
		}
		first, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.activeElement.textContent + " " + (document.activeElement.getBoundingClientRect().left > 0)`))
		assert.NoError(t, err)
		assert.Equal(t, first, "Skip to the events true", look.name)
		if dir := os.Getenv("KACHI_SCREENSHOTS"); dir != "" {
			picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(90))
			assert.NoError(t, err)
			assert.NoError(t, os.WriteFile(dir+"/docs-"+look.name+".png", picture, 0o644))
		}
	}
}
