package location

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/kachi-io/kachi/app/account"
	"github.com/kachi-io/kachi/app/api"
	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/limit"
)

type update struct {
	IfMatch string `header:"If-Match" maxLength:"40" doc:"The version that the location must have: 409 where it has another. Default any."`
	Body    struct {
		ID       store.ID `json:"id,omitempty" doc:"Of the location that changes. Without it there is a new one."`
		Name     *string  `json:"name,omitempty" maxLength:"1000" doc:"Up to 100 characters. Without it, it stays as it is."`
		Geometry unread   `json:"geometry"`
	}
}

type updated struct {
	Status   int
	ETag     string `header:"ETag"`
	Location string `header:"Location" doc:"Of a new one."`
	Body     struct {
		Status int `json:"status" doc:"The HTTP status."`
		Data   struct {
			Result Location `json:"updatedLocationResult"`
		} `json:"data"`
	}
}

type one struct {
	ID store.ID `path:"id"`
}

type feature struct {
	ETag string `header:"ETag"`
	Body Feature
}

type search struct {
	After  store.ID `query:"after" doc:"next of the page before."`
	Limit  int      `query:"limit" minimum:"1" maximum:"500" default:"100"`
	Box    string   `query:"bbox" maxLength:"200" doc:"minLon,minLat,maxLon,maxLat. minLon is greater than maxLon where the box goes over the antimeridian."`
	Near   string   `query:"near" maxLength:"100" doc:"lon,lat"`
	Radius float64  `query:"radius" doc:"Around near, in metres."`
}

type found struct{ Body FeatureCollection }

type grant struct {
	ID   store.ID `path:"id"`
	Body struct {
		UserID store.ID `json:"userId"`
	}
}

type taken struct {
	ID     store.ID `path:"id"`
	UserID store.ID `path:"userId"`
}

type audience struct {
	ID    store.ID `path:"id"`
	After store.ID `query:"after" doc:"next of the page before."`
	Limit int      `query:"limit" minimum:"1" maximum:"500" default:"100"`
}

type watchers struct {
	Body struct {
		Watchers []Watcher `json:"watchers" nullable:"false"`
		Next     *store.ID `json:"next" doc:"What to give as after in order to get those that follow; null where these are the last."`
	}
}

// Routes adds what locations have to the API.
func (l *Locations) Routes(a *api.API) {
	const tag = "Locations"
	moves := []gateway.Layer{limit.PerPrincipal(20, time.Second, limit.Options{Burst: 100})}
	grants := []gateway.Layer{limit.PerPrincipal(10, time.Second, limit.Options{Burst: 100})}
	reads := []gateway.Layer{limit.PerPrincipal(50, time.Second, limit.Options{Burst: 200})}

	api.Handle(a, api.Route{Method: "PUT", Path: "/api/location", Access: api.User, MaxBody: 1 << 20, Use: moves, Tag: tag,
		Summary:     "Say where a location of one's own is",
		Description: "It is stored, and then told to those who watch it (`chat` in the namespace /location); a new one to its owner's devices (`granted`). The status is 201 where it is a new one, else 200."},
		l.put)
	api.Handle(a, api.Route{Method: "GET", Path: "/api/location", Access: api.User, Use: reads, Tag: tag,
		Summary:     "Find locations",
		Description: "that one may see: one's own, those that one may watch, and all for an administrator. With `bbox`, those whose bounding boxes meet it; with `near` and `radius`, those that are not further away; with neither, one's own. By id."},
		l.find)
	api.Handle(a, api.Route{Method: "GET", Path: "/api/location/{id}", Access: api.User, Use: reads, Tag: tag, Summary: "Say where a location is"},
		func(ctx context.Context, in *one) (*feature, error) {
			at, err := l.Get(ctx, account.From(ctx), in.ID)
			if err != nil {
				return nil, err
			}
			return &feature{etag(at.Version), featureOf(at)}, nil
		})
	api.Handle(a, api.Route{Method: "DELETE", Path: "/api/location/{id}", Access: api.User, Status: http.StatusNoContent, Use: grants, Tag: tag,
		Summary: "Delete a location", Description: "For its owner and for administrators. Nobody watches it any more."},
		func(ctx context.Context, in *one) (*struct{}, error) {
			return nil, l.Delete(ctx, account.From(ctx), in.ID)
		})
	api.Handle(a, api.Route{Method: "GET", Path: "/api/location/{id}/watchers", Access: api.User, Use: reads, Tag: tag,
		Summary: "Say who may watch a location", Description: "beside its owner, whom it tells this. By their ids."},
		l.audience)
	api.Handle(a, api.Route{Method: "POST", Path: "/api/location/{id}/watchers", Access: api.User, Status: http.StatusNoContent, Use: grants, Tag: tag,
		Summary: "Let somebody watch a location", Description: "For its owner. Their devices are told (`granted` in the namespace /location)."},
		func(ctx context.Context, in *grant) (*struct{}, error) {
			return nil, l.Grant(ctx, account.From(ctx), in.ID, in.Body.UserID)
		})
	api.Handle(a, api.Route{Method: "DELETE", Path: "/api/location/{id}/watchers/{userId}", Access: api.User, Status: http.StatusNoContent, Use: grants, Tag: tag,
		Summary: "Let somebody watch a location no longer", Description: "For its owner, and for who may watch it. Their sockets leave its room at once, and their devices are told (`left_room`)."},
		func(ctx context.Context, in *taken) (*struct{}, error) {
			return nil, l.Revoke(ctx, account.From(ctx), in.ID, in.UserID)
		})
}

func (l *Locations) put(ctx context.Context, in *update) (*updated, error) {
	version, err := versionOf(in.IfMatch)
	if err != nil {
		return nil, err
	}
	place, err := ReadGeometry(in.Body.Geometry)
	if err != nil {
		return nil, err
	}
	at, err := l.Put(ctx, account.From(ctx), Change{ID: in.Body.ID, Name: in.Body.Name, Place: place.Geometry, Version: version})
	if err != nil {
		return nil, err
	}
	out := &updated{Status: http.StatusOK, ETag: etag(at.Version)}
	if in.Body.ID == 0 {
		out.Status, out.Location = http.StatusCreated, "/api/location/"+at.ID.String()
	}
	out.Body.Status, out.Body.Data.Result = out.Status, at
	return out, nil
}

func (l *Locations) find(ctx context.Context, in *search) (*found, error) {
	u := account.From(ctx)
	var list FeatureCollection
	var area Area
	var err error
	switch {
	case in.Box != "" && in.Near != "":
		err = invalidParameter("near", "excluded", "bbox and near are two searches: one of them is to be given")
	case in.Near == "" && in.Radius != 0:
		err = invalidParameter("near", "required", "radius is that around near")
	case in.Box != "":
		area, err = ReadBox(in.Box)
	case in.Near != "":
		area, err = ReadCircle(in.Near, in.Radius)
	default:
		list, err = l.Mine(ctx, u, in.After, in.Limit)
		return &found{list}, err
	}
	if err == nil {
		list, err = l.Find(ctx, u, area, in.After, in.Limit)
	}
	return &found{list}, err
}

func (l *Locations) audience(ctx context.Context, in *audience) (*watchers, error) {
	list, err := l.Watchers(ctx, account.From(ctx), in.ID, in.After, in.Limit+1)
	if err != nil {
		return nil, err
	}
	out := &watchers{}
	if len(list) > in.Limit {
		list = list[:in.Limit]
		out.Body.Next = &list[in.Limit-1].User
	}
	out.Body.Watchers = make([]Watcher, len(list))
	for i, w := range list {
		out.Body.Watchers[i] = Watcher{w.User, w.Name, w.Granted}
	}
	return out, nil
}

// etag is a version as HTTP has it.
func etag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }

// versionOf reads If-Match; 0 where any version will do. The quotes may be left out, and that the
// tag is weak makes no difference: proxies that compress have it so.
func versionOf(header string) (int64, error) {
	if header == "" || header == "*" {
		return 0, nil
	}
	version, err := strconv.ParseInt(strings.Trim(strings.TrimPrefix(header, "W/"), `"`), 10, 64)
	if err != nil || version < 1 {
		return 0, gateway.Invalid(gateway.FieldError{Path: "If-Match", Rule: "version", Message: "If-Match is to be a location's version"})
	}
	return version, nil
}
