package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/kachi-io/kachi/app/account"
	"github.com/kachi-io/kachi/app/api"
	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/limit"
)

// Bounds of one request.
const (
	maxBulk    = 1000
	maxRequest = 16 << 20 // bytes: room for so many of the largest
)

// Routes adds what notifications have to the API.
func (s *Notifications) Routes(routes *api.API) {
	const tag = "Notifications"
	often := []gateway.Layer{limit.PerPrincipal(300, time.Minute)}

	api.Handle(routes, api.Route{Method: "POST", Path: "/api/notifications", Access: api.Service, Status: http.StatusAccepted, MaxBody: maxRequest,
		Use: []gateway.Layer{limit.PerAddress(1000, 10*time.Second)}, Tag: tag,
		Summary: "Notify people",
		Description: "One, or a list of up to 1,000. An error names what is wrong by its place, `[3].userId`, and nothing is stored then. " +
			"With an `Idempotency-Key` the same can be sent again after a failure: each notification is stored and told once."},
		func(ctx context.Context, in *sending) (*sent, error) {
			list, alone, err := in.Body.list()
			if err != nil {
				return nil, err
			}
			out := &sent{}
			out.Body.IDs, err = s.send(ctx, list, in.key(ctx), alone)
			return out, err
		})
	api.Handle(routes, api.Route{Method: "GET", Path: "/api/notifications", Access: api.User, Use: often, Tag: tag,
		Summary: "List one's notifications", Description: "The newest first."},
		func(ctx context.Context, in *listing) (*struct{ Body Page }, error) {
			before := store.ID(0)
			if in.Before != "" {
				var err error
				if before, err = store.ParseID(in.Before); err != nil {
					return nil, gateway.Invalid(gateway.FieldError{Path: "before", Rule: "id", Message: "That is no id"})
				}
			}
			page, err := s.List(ctx, account.From(ctx).ID, before, in.Unread, in.Limit)
			return &struct{ Body Page }{page}, err
		})
	api.Handle(routes, api.Route{Method: "PUT", Path: "/api/notifications/{id}/read", Access: api.User, Use: often, Tag: tag,
		Summary: "Mark a notification as read"},
		func(ctx context.Context, in *struct {
			ID string `path:"id"`
		}) (*struct{ Body State }, error) {
			id, err := store.ParseID(in.ID)
			if err != nil {
				return nil, errNoSuch
			}
			return s.readByAPI(ctx, Reading{ID: id})
		})
	api.Handle(routes, api.Route{Method: "PUT", Path: "/api/notifications/read", Access: api.User, Use: often, Tag: tag,
		Summary: "Mark all notifications as read"},
		func(ctx context.Context, in *struct {
			Body *struct {
				UpTo store.ID `json:"upTo,omitempty" doc:"The newest that was seen, so that none counts as read that came meanwhile."`
			}
		}) (*struct{ Body State }, error) {
			r := Reading{All: true}
			if in.Body != nil {
				r.UpTo = in.Body.UpTo
			}
			return s.readByAPI(ctx, r)
		})
}

// readByAPI tells all devices: which of them has called is not known.
func (s *Notifications) readByAPI(ctx context.Context, r Reading) (*struct{ Body State }, error) {
	user := account.From(ctx).ID
	now, err := s.Read(ctx, user, r, s.to(user))
	return &struct{ Body State }{now}, err
}

type listing struct {
	Before string `query:"before" doc:"The next of the page before: what is older than that notification."`
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"50"`
	Unread bool   `query:"unread" doc:"Only those that are unread."`
}

type sending struct {
	Key  string `header:"Idempotency-Key" maxLength:"200" doc:"What the service has made up for this request: the same for each try."`
	Body messages
}

// key is the key within what the service has made up.
func (in *sending) key(ctx context.Context) string {
	if in.Key == "" {
		return ""
	}
	service, _ := gateway.PrincipalFrom[account.Service](ctx)
	return service.Name + " " + in.Key
}

type sent struct {
	Body struct {
		IDs []store.ID `json:"ids" doc:"Of the notifications, in the order of the list."`
	}
}

// messages are one [Message] or a list of them, as they came.
type messages json.RawMessage

// UnmarshalJSON implements [json.Unmarshaler].
func (m *messages) UnmarshalJSON(text []byte) error {
	*m = bytes.Clone(text)
	return nil
}

// Schema implements [huma.SchemaProvider]. The two shapes are told and not checked: what is
// wrong is told by its place, see list.
func (messages) Schema(r huma.Registry) *huma.Schema {
	one := r.Schema(reflect.TypeFor[Message](), true, "Message")
	return &huma.Schema{Extensions: map[string]any{"oneOf": []any{
		one, map[string]any{"type": "array", "items": one, "minItems": 1, "maxItems": maxBulk},
	}}}
}

// list decodes the messages, strictly. alone: it was one, and no list.
func (m messages) list() (list []Message, alone bool, err error) {
	parts := []json.RawMessage{json.RawMessage(m)}
	if alone = !bytes.HasPrefix(m, []byte("[")); !alone {
		parts = nil
		if err := json.Unmarshal(m, &parts); err != nil {
			return nil, false, gateway.NewError(gateway.CodeBadRequest, "That is no JSON")
		}
	}
	if n := len(parts); n == 0 || n > maxBulk {
		return nil, alone, gateway.Invalid(gateway.FieldError{Rule: "max", Param: fmt.Sprint(maxBulk), Message: "A list has 1 to 1000 notifications"})
	}
	list = make([]Message, len(parts))
	var faults []gateway.FieldError
	for i, part := range parts {
		d := json.NewDecoder(bytes.NewReader(part))
		d.DisallowUnknownFields()
		if err := d.Decode(&list[i]); err != nil && len(faults) < maxFaults {
			faults = append(faults, typeFault(prefix(i, alone), err))
		}
	}
	if faults != nil {
		return nil, alone, gateway.Invalid(faults...)
	}
	return list, alone, nil
}

func typeFault(prefix string, err error) gateway.FieldError {
	f := gateway.FieldError{Path: prefix, Rule: "type", Message: "That is no notification: " + err.Error()}
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		f.Path, f.Message = prefix+wrong.Field, "It cannot be a "+wrong.Value
	}
	return f
}
