package browsertest

import (
	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"

	"github.com/kachi-io/kachi/internal/assert"
)

// Position is where a device is, in degrees, and how far off that may be, in metres.
type Position struct{ Latitude, Longitude, Accuracy float64 }

// Geolocation says where the page's device is; with nil the user does not allow the page to
// know.
func (p *Page) Geolocation(at *Position) {
	p.T.Helper()
	info, err := chromedp.Call(p.ctx, target.GetTargetInfo, target.GetTargetInfoParams{})
	assert.NoError(p.T, err)
	setting := browser.PermissionSettingDenied
	if at != nil {
		setting = browser.PermissionSettingGranted
		_, err := chromedp.Call(p.ctx, emulation.SetGeolocationOverride, emulation.SetGeolocationOverrideParams{
			Latitude: &at.Latitude, Longitude: &at.Longitude, Accuracy: &at.Accuracy,
		})
		assert.NoError(p.T, err)
	}
	_, err = chromedp.Call(p.ctx, browser.SetPermission, browser.SetPermissionParams{
		Permission:       &browser.PermissionDescriptor{Name: "geolocation"},
		Setting:          setting,
		BrowserContextID: info.TargetInfo.BrowserContextID,
	})
	assert.NoError(p.T, err)
}
