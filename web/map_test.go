package web_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/kachi-io/kachi/app/apptest"
	"github.com/kachi-io/kachi/app/server"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/browsertest"
)

// move says by the API where a place is.
func move(t *testing.T, who *apptest.Person, id string, longitude, latitude float64) {
	t.Helper()
	who.Call(t, 200, "PUT", "/api/location", map[string]any{"id": id, "geometry": map[string]any{
		"type": "Point", "coordinates": []float64{longitude, latitude},
	}}, nil)
}

// A place is made on one's map, by the keyboard alone; the other may see it, and sees it move.
func TestMapInBrowser(t *testing.T) {
	browser := browsertest.Open(t, browsertest.Options{})
	app := apptest.New(t, nil)
	app.Register(t, "Admin") // who sees everything
	mina, jun := app.Register(t, "Mina"), app.Register(t, "Jun")
	hers := enter(t, browser, app, mina, desktop, "/map", "Map")
	his := enter(t, browser, app, jun, phone, "/map", "Map")
	hers.says(".map-section", "You have no places yet.")
	his.says(".map-section", "Nobody shares a place with you.")

	// A point, by its coordinates. What is wrong is said.
	hers.press("New place")
	hers.focused(`[name="place"]`)
	hers.Enter()
	hers.says(".field-error", "A name is needed.")
	hers.fill("place", "까치 <b>둥지</b>")
	hers.fill("points", "91, 200")
	hers.says(".field-error", "That is no place.")
	hers.fill("points", "37.5665, 126.978")
	hers.flawless()
	hers.press("Save")
	hers.says(".toast", "“까치 <b>둥지</b>” is saved.")
	hers.says(".map-item.chosen .map-where", "37.5665, 126.978")
	hers.WaitFor(`document.querySelector(".map-marker.own.chosen .map-label")?.textContent === "까치 <b>둥지</b>"`)

	// An area, by clicks on the map.
	hers.press("New place")
	hers.fill("place", "Field")
	hers.Click(`input[value="Polygon"]`)
	hers.WaitFor(`!!document.querySelector(".map-ground.drawing")`)
	for i, at := range [][2]float64{{400, 300}, {400, 500}, {600, 500}, {600, 300}} {
		hers.Do(chromedp.MouseClickXY(at[0], at[1]))
		hers.WaitFor(`document.querySelectorAll(".map-handle.vertex").length === %d`, i+1)
	}
	hers.WaitFor(`document.querySelector("[name=points]").value.split("\n").length === 4`)
	hers.flawless()
	hers.press("Save")
	hers.says(".map-item.chosen .map-where", "Area · 4 points")

	// Letting somebody see it.
	hers.Click(`[data-place="1"] .map-choose`)
	hers.press("Who sees it")
	hers.says("dialog", "Nobody but you sees it.")
	hers.fill("watcher", "ju")
	hers.press("Let Jun see it")
	hers.says("dialog", "Jun sees it now.")
	hers.flawless()
	hers.press("Close")
	his.says(".toast", "Mina shares “까치 <b>둥지</b>” with you.")
	his.says(".map-item", "까치 <b>둥지</b>")
	his.says(".map-owner", "by Mina")
	his.Click(".toast .icon-button") // it lies over the list on a phone
	his.WaitFor(`!document.querySelector(".toast")`)

	// It moves, and the last of several is what remains.
	his.Click(`[data-place="1"] .map-choose`)
	his.press("Follow")
	for i := range 5 {
		move(t, mina, "1", 127+float64(i), 36)
	}
	for _, p := range []person{hers, his} {
		p.says(`[data-place="1"] .map-where`, "36, 131")
	}
	his.WaitFor(`!!document.querySelector(".map-marker.other.chosen")`)
	his.flawless()

	// What he has missed is there when he comes back.
	his.Offline(true)
	his.says(".status-banner", "You are offline.")
	move(t, mina, "1", 140, 36)
	hers.says(`[data-place="1"] .map-where`, "36, 140")
	his.Offline(false)
	his.says(`[data-place="1"] .map-where`, "36, 140")

	// It is renamed, and moved as a whole, by the form.
	hers.press("Edit")
	hers.fill("place", "Nest")
	hers.fill("points", "35 N 129 E")
	hers.press("Save")
	his.says(`[data-place="1"]`, "Nest")
	his.says(`[data-place="1"] .map-where`, "35, 129")

	// Taken back, it is gone at once; deleted, too.
	hers.press("Who sees it")
	hers.press("Jun no longer sees it")
	hers.says("dialog", "Nobody but you sees it.")
	his.says(".map-section", "Nobody shares a place with you.")
	his.says(".toast", "Mina no longer shares “Nest” with you.")
	hers.press("Close")
	hers.press("Delete")
	hers.Visible("dialog[open] .danger")
	hers.Click("dialog .danger")
	hers.says(".toast", "“Nest” is deleted.")
	hers.WaitFor(`!document.querySelector('[data-place="1"]') && document.querySelectorAll(".map-marker").length === 1`)

	hers.Clean()
	his.Clean()
}

// Where the device is goes to the others, and what can be in the way of that is said.
func TestSharingPositionInBrowser(t *testing.T) {
	browser := browsertest.Open(t, browsertest.Options{})
	app := apptest.New(t, nil)
	app.Register(t, "Admin")
	mina, jun := app.Register(t, "Mina"), app.Register(t, "Jun")
	hers := enter(t, browser, app, mina, phone, "/map", "Map")

	hers.Geolocation(nil)
	hers.press("Share my position")
	hers.says(".map-share", "does not let this site know your position")
	hers.flawless()

	hers.Geolocation(&browsertest.Position{Latitude: 37.5665, Longitude: 126.978, Accuracy: 5_000})
	hers.press("Share my position")
	hers.says(".map-share", "only known to 5 km")
	hers.says(".map-item", "37.5665, 126.978")
	hers.flawless()
	mina.Call(t, 204, "POST", "/api/location/1/watchers", map[string]any{"userId": jun.ID}, nil)
	his := enter(t, browser, app, jun, desktop, "/map", "Map")
	his.says(".map-item", "Mina")
	his.says(".map-item", "37.5665, 126.978")

	hers.Geolocation(&browsertest.Position{Latitude: 35.1796, Longitude: 129.0756, Accuracy: 12})
	hers.says(".map-share", "accurate to 12 m")
	his.says(".map-item", "35.1796, 129.0756")
	hers.press("Stop sharing")
	hers.says(".map-share", "for as long as this page is open")
	hers.Clean()
	his.Clean()
}

// The world comes with the page, roughly and, for who looks closely, finely; tiles come from
// where the server says.
func TestGroundOfMapInBrowser(t *testing.T) {
	browser := browsertest.Open(t, browsertest.Options{})
	app := apptest.New(t, nil)
	mina := app.Register(t, "Mina")
	p := enter(t, browser, app, mina, desktop, "/map", "Map")
	loaded := func(name string) string {
		return fmt.Sprintf(`performance.getEntriesByType("resource").some((e) => e.name.includes(%q))`, name)
	}
	drawn := `(() => {
		const colours = new Set();
		for (const tile of document.querySelectorAll("canvas.leaflet-tile-loaded")) {
			const { data } = tile.getContext("2d").getImageData(0, 0, tile.width, tile.height);
			for (let i = 0; i < data.length; i += 4 * 101) colours.add(data.slice(i, i + 4).join());
		}
		return colours.size;
	})()`
	p.WaitFor(`%s && %s > 2`, loaded("world-110m"), drawn)
	p.WaitFor(`!(%s)`, loaded("world-50m"))
	p.WaitFor(`(document.querySelector("button[aria-label='Zoom in']").click(), %s)`, loaded("world-50m"))
	p.WaitFor(`%s > 1`, drawn)
	p.Clean()
}

// Tiles may come from another server, and from nowhere else.
func TestMapTilesInBrowser(t *testing.T) {
	browser := browsertest.Open(t, browsertest.Options{})
	var tile bytes.Buffer
	assert.NoError(t, png.Encode(&tile, image.NewPaletted(image.Rect(0, 0, 256, 256), color.Palette{color.RGBA{200, 220, 200, 255}})))
	asked := make(chan string, 1000)
	tiles := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Path
		w.Header().Set("Content-Type", "image/png")
		_, _ = w.Write(tile.Bytes())
	}))
	defer tiles.Close()
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Error("asked for ", r.URL, ", against the policy")
	}))
	defer other.Close()

	app := apptest.New(t, &server.Options{MapTiles: tiles.URL + "/ground/{z}/{x}/{y}.png", MapCredit: "© <b>The tiles'</b> people"})
	mina := app.Register(t, "Mina")
	p := enter(t, browser, app, mina, desktop, "/map", "Map")
	p.WaitFor(`document.querySelectorAll("img.leaflet-tile-loaded").length > 3`)
	p.WaitFor(`[...document.querySelectorAll("img.leaflet-tile-loaded")].every((e) => e.naturalWidth === 256)`)
	path := assert.Receive(t, asked, "a tile that is asked for")
	assert.True(t, regexp.MustCompile(`^/ground/\d+/\d+/\d+\.png$`).MatchString(path), path)
	p.WaitFor(`!performance.getEntriesByType("resource").some((e) => e.name.includes("world-"))`)
	p.WaitFor(`document.querySelector(".map-credit").textContent === "© <b>The tiles'</b> people"`) // not Natural Earth's, and no HTML
	p.press("Zoom in")
	p.WaitFor(`document.querySelectorAll(".leaflet-zoom-anim").length === 0 && document.querySelectorAll("img.leaflet-tile-loaded").length > 3`)
	p.flawless()
	p.Clean()

	blocked := browsertest.Eval[string](p.Page, `new Promise((done) => {
		addEventListener("securitypolicyviolation", (e) => done(e.effectiveDirective + " " + e.blockedURI));
		new Image().src = `+browsertest.Quote(other.URL+"/1/1/1.png")+`;
	})`)
	assert.Equal(t, blocked, "img-src "+other.URL+"/1/1/1.png")
}

// Points are dragged where they should be, new ones out of the edges, and a shape as a whole.
func TestDraggingShapesInBrowser(t *testing.T) {
	browser := browsertest.Open(t, browsertest.Options{})
	app := apptest.New(t, nil)
	mina := app.Register(t, "Mina")
	var made struct {
		Data struct{ UpdatedLocationResult struct{ ID string } }
	}
	ring := func(west, south, east, north float64) [][2]float64 {
		return [][2]float64{{west, south}, {east, south}, {east, north}, {west, north}, {west, south}}
	}
	mina.Call(t, 201, "PUT", "/api/location", map[string]any{"name": "Field", "geometry": map[string]any{
		"type": "Polygon", "coordinates": [][][2]float64{ring(120, 30, 130, 40), ring(124, 34, 126, 36)},
	}}, &made)
	p := enter(t, browser, app, mina, desktop, "/map", "Map")
	p.Click(".map-choose")
	p.press("Edit")
	p.WaitFor(`document.querySelectorAll(".map-handle.vertex").length === 4`)
	p.WaitFor(`document.querySelectorAll(".leaflet-zoom-anim, .leaflet-pan-anim").length === 0`)
	points := func() (list [][2]float64) {
		t.Helper()
		for _, line := range strings.Split(browsertest.Eval[string](p.Page, `document.querySelector("[name=points]").value`), "\n") {
			var at [2]float64
			_, err := fmt.Sscanf(line, "%f, %f", &at[0], &at[1])
			assert.NoError(t, err)
			list = append(list, at)
		}
		return list
	}
	before := points()
	assert.Equal(t, before, [][2]float64{{30, 120}, {30, 130}, {40, 130}, {40, 120}})

	// A point, to the west and the south; the others stay.
	p.Drag(".map-handle.vertex", -60, 40)
	p.WaitFor(`!document.querySelector("[name=points]").value.startsWith("30, 120")`)
	moved := points()
	assert.True(t, moved[0][0] < 30 && moved[0][1] < 120, moved)
	assert.Equal(t, moved[1:], before[1:])

	// A new one out of an edge: between the first two.
	p.Drag(".map-handle.between", 0, 50)
	p.WaitFor(`document.querySelectorAll(".map-handle.vertex").length === 5`)
	more := points()
	assert.Equal(t, [][2]float64{more[0], more[2], more[3], more[4]}, moved)
	assert.True(t, more[1][0] < 30, more)

	// All of it, the hole too.
	p.Drag(".map-handle.whole", 50, 0)
	p.WaitFor(`!document.querySelector("[name=points]").value.includes("30, 130")`)
	east := points()
	for i := range east {
		assert.True(t, east[i][1] > more[i][1], east)
	}
	p.flawless()
	p.press("Save")
	p.says(".toast", "“Field” is saved.")
	var stored struct {
		Geometry struct{ Coordinates [][][2]float64 }
	}
	mina.Call(t, 200, "GET", "/api/location/"+made.Data.UpdatedLocationResult.ID, nil, &stored)
	assert.Equal(t, len(stored.Geometry.Coordinates[0]), 6)
	first := stored.Geometry.Coordinates[0][0]
	assert.True(t, math.Abs(first[0]-east[0][1]) < 1e-5 && math.Abs(first[1]-east[0][0]) < 1e-5, first)
	hole := stored.Geometry.Coordinates[1]
	assert.True(t, hole[0][0] > 124 && hole[0][0]-124 < 10, hole)
	p.Clean()
}

// The map in Korean, with places of one's own and of others; names that would lie on each
// other give way.
func TestMapInKorean(t *testing.T) {
	browser := browsertest.Open(t, browsertest.Options{})
	app := apptest.New(t, nil)
	app.Register(t, "Admin")
	mina, jun := app.Register(t, "미나"), app.Register(t, "준")
	make := func(who *apptest.Person, name string, lon, lat float64) {
		t.Helper()
		who.Call(t, 201, "PUT", "/api/location", map[string]any{"name": name, "geometry": map[string]any{"type": "Point", "coordinates": []float64{lon, lat}}}, nil)
	}
	make(mina, "우리 집", 126.978, 37.5665)
	make(jun, "까치 둥지", 126.979, 37.5666)
	make(jun, "", 2.35, 48.86)
	for _, size := range [][2]int64{phone, desktop} {
		p := enter(t, browser, app, mina, size, "/map", "Map")
		browsertest.Eval[bool](p.Page, `(localStorage.setItem("kachi.language", "ko"), true)`)
		p.Do(chromedp.Reload())
		p.at("/map", "지도")
		p.says(".map-section", "공유받은 장소가 없습니다.")
		for _, id := range []string{"2", "3"} {
			jun.Call(t, 204, "POST", "/api/location/"+id+"/watchers", map[string]any{"userId": mina.ID}, nil)
		}
		p.says(".toast", "준 님이 ‘까치 둥지’ 장소를 공유했습니다.")
		p.says(".toast", "준 님이 ‘이름 없음’ 장소를 공유했습니다.")
		p.says(".map-owner", "준 님")
		p.says(".map-item strong", "이름 없음")
		p.flawless()

		// The user's own comes first, unless another is chosen.
		covered := `[...document.querySelectorAll(".map-marker.covered .map-label")].map((e) => e.textContent).join()`
		p.WaitFor(`%s === "까치 둥지"`, covered)
		browsertest.Eval[bool](p.Page, `(document.querySelector("[data-place='2'] .map-choose").click(), true)`)
		p.press("따라가기")
		p.says("[role=status]", "지도가 따라가는 장소: 까치 둥지")
		p.WaitFor(`!document.querySelector(".map-marker.chosen.covered")`)
		p.flawless()
		p.press("새 장소")
		p.says(".map-hint", "지도를 눌러 위치를 정하세요")
		p.press("저장")
		p.says(".field-error", "이름을 입력해 주세요.")
		p.flawless()
		p.press("취소")
		for _, id := range []string{"2", "3"} {
			jun.Call(t, 204, "DELETE", "/api/location/"+id+"/watchers/"+mina.ID.String(), nil, nil)
		}
		p.says(".toast", "준 님이 ‘까치 둥지’ 장소의 공유를 중지했습니다.")
		p.says(".map-section", "공유받은 장소가 없습니다.")
		p.Clean()
	}
}

// Whoever leaves the map while it moves leaves nothing behind that moves it: whatever Leaflet
// has begun by then ends with it.
func TestLeavingTheMapInBrowser(t *testing.T) {
	browser := browsertest.Open(t, browsertest.Options{})
	app := apptest.New(t, nil)
	mina := app.Register(t, "Mina")
	for i := range 3 {
		mina.Call(t, 201, "PUT", "/api/location", map[string]any{"name": fmt.Sprint(i), "geometry": map[string]any{
			"type": "Point", "coordinates": []float64{120 + float64(i), 36},
		}}, nil)
	}
	p := enter(t, browser, app, mina, desktop, "/map", "Map")
	const steps = `
		const frame = () => new Promise(requestAnimationFrame);
		const ground = document.querySelector(".map-ground");
		const press = (label) => document.querySelector("button[aria-label='" + label + "']").click();
		const mouse = (target, type, x) => target.dispatchEvent(new MouseEvent(type, { clientX: x, clientY: 300, button: 0, bubbles: true, cancelable: true, view: window }));
		const leave = () => document.querySelector("nav a[href='/account']").click();
	`
	for _, begun := range []struct{ name, by string }{
		{"nothing", ``},
		{"a zoom that is about to begin", `press("Zoom in");`},
		{"a zoom", `press("Zoom in"); while (!ground.querySelector(".leaflet-zoom-anim")) await frame();`},
		{"a zoom and then another", `press("Zoom out"); await frame(); await frame(); press("Zoom in"); await frame();`},
		{"the wheel", `ground.dispatchEvent(new WheelEvent("wheel", { deltaY: -240, clientX: 500, clientY: 400, bubbles: true, cancelable: true }));`},
		{"another size", `ground.parentElement.style.blockSize = "300px"; await frame(); await frame();`},
		{"a flight to a place", `document.querySelector("[data-place='2'] .map-choose").click(); await frame(); await frame();`},
		{"a flight to all", `press("Show all places"); await frame();`},
		{"a drag", `mouse(ground, "mousedown", 500); mouse(ground, "mousemove", 560); await frame(); mouse(ground, "mousemove", 620);`},
		{"a throw", `mouse(ground, "mousedown", 500);
			for (let x = 500; x <= 620; x += 20) { mouse(ground, "mousemove", x); await frame(); }
			mouse(ground, "mouseup", 620);`},
		{"the slide behind a throw", `mouse(ground, "mousedown", 500);
			for (let x = 500; x <= 620; x += 20) { mouse(ground, "mousemove", x); await frame(); }
			mouse(ground, "mouseup", 620); await frame(); await frame();`},
	} {
		p.WaitFor(`document.querySelectorAll(".map-marker").length === 3`)
		browsertest.Eval[bool](p.Page, `(async () => {`+steps+begun.by+`leave(); return true; })()`)
		p.at("/account", "Account")
		// Behind all timers that were set by then: the longest is a quarter of a second.
		browsertest.Eval[bool](p.Page, `new Promise((done) => setTimeout(done, 400, true))`)
		p.Clean()
		p.Click(`nav a[href="/map"]`)
		p.at("/map", "Map")
	}
	p.Clean()
}
