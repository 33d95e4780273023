package document

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/kachi-io/kachi/app/account"
	"github.com/kachi-io/kachi/app/api"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/limit"
)

// Conditions are those of RFC 9110, section 13. An entity tag is the version in quotes. That
// it is weak makes no difference: proxies that compress have it so.
type Conditions struct {
	Match     string `header:"If-Match" maxLength:"1000" doc:"The version that the caller knows, in quotes as in ETag; * for any that is there."`
	NoneMatch string `header:"If-None-Match" maxLength:"1000" doc:"* where there must be none."`
}

func (c Conditions) hold() (func(now Document) bool, error) {
	match, err := tags("If-Match", c.Match)
	if err != nil {
		return nil, err
	}
	none, err := tags("If-None-Match", c.NoneMatch)
	if err != nil {
		return nil, err
	}
	return func(now Document) bool {
		return (match == nil || match(now)) && (none == nil || !none(now))
	}, nil
}

// tags reads a list of entity tags; nil where there is no such header.
func tags(header, list string) (func(now Document) bool, error) {
	list = strings.TrimSpace(list)
	switch list {
	case "":
		return nil, nil
	case "*":
		return Document.there, nil
	}
	versions := map[int64]bool{}
	for tag := range strings.SplitSeq(list, ",") {
		tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
		bare, quoted := strings.CutPrefix(tag, `"`)
		if quoted {
			bare, quoted = strings.CutSuffix(bare, `"`)
		} else {
			quoted = true // or not at all: many forget it
		}
		v, err := strconv.ParseInt(bare, 10, 64)
		if err != nil || v < 0 || !quoted {
			return nil, gateway.Errorf(gateway.CodeBadRequest, `%s is neither * nor versions such as "7"`, header)
		}
		versions[v] = true
	}
	return func(now Document) bool { return versions[now.Version] }, nil
}

func etag(d Document) string { return fmt.Sprintf(`"%d"`, d.Version) }

// Target is which document a request is about, and under which conditions.
type Target struct {
	Key string `path:"key" doc:"1 to 128 letters, digits and -_.:~ in parts between /. Those that begin with user/<id>/ are of that person alone."`
	Conditions
}

// stored is an answer with a document.
type stored struct {
	Status int
	ETag   string `header:"ETag" doc:"The version, for If-Match."`
	Cache  string `header:"Cache-Control"`
	Body   Document
}

func answer(d Document) *stored {
	return &stored{Status: http.StatusOK, ETag: etag(d), Cache: "private, no-cache", Body: d}
}

// value is any JSON, as it came.
type value json.RawMessage

// UnmarshalJSON implements [json.Unmarshaler].
func (v *value) UnmarshalJSON(text []byte) error {
	*v = append((*v)[:0], text...)
	return nil
}

// Schema implements [huma.SchemaProvider].
func (value) Schema(huma.Registry) *huma.Schema { return &huma.Schema{Description: "Any JSON."} }

// Routes adds what documents have to the API.
func (s *Documents) Routes(routes *api.API) {
	const (
		tag  = "Sync"
		path = "/api/sync/{key...}"
	)
	often := []gateway.Layer{limit.PerPrincipal(1000, 10*time.Second)}

	api.Handle(routes, api.Route{Method: "GET", Path: path, Access: api.User, Use: often, Tag: tag, Summary: "Read a document",
		Description: "With `If-None-Match`, a version that the caller has is not sent again: 304."},
		func(ctx context.Context, in *Target) (*stored, error) {
			known, err := tags("If-None-Match", in.NoneMatch)
			if err != nil {
				return nil, err
			}
			d, err := s.Get(ctx, account.From(ctx), Key(in.Key))
			if err != nil {
				return nil, err
			}
			if !d.there() {
				return nil, errNotFound
			}
			out := answer(d)
			if known != nil && known(d) {
				out.Status = http.StatusNotModified
			}
			return out, nil
		})
	api.Handle(routes, api.Route{Method: "PUT", Path: path, Access: api.User, MaxBody: maxValue + 1, Use: often, Tag: tag, Summary: "Write a document",
		Description: "The body is the value: any JSON, at most 64 KiB. With `If-Match` it is written only where it has that version, with `If-None-Match: *` only where there is none; " +
			"otherwise the error is `conflict`, and its details are what is there. Without either it is written whatever is there. " +
			"A person makes 2,000 documents at most, those included that were deleted: then the error is `full`."},
		func(ctx context.Context, in *struct {
			Target
			Body value
		}) (*stored, error) {
			expected, err := in.hold()
			if err != nil {
				return nil, err
			}
			d, err := s.Set(ctx, account.From(ctx), Key(in.Key), json.RawMessage(in.Body), expected)
			if err != nil {
				return nil, err
			}
			return answer(d), nil
		})
	type deleted struct {
		ETag string `header:"ETag" doc:"The version of its being deleted."`
	}
	api.Handle(routes, api.Route{Method: "DELETE", Path: path, Access: api.User, Status: http.StatusNoContent, Use: often, Tag: tag, Summary: "Delete a document",
		Description: "Its versions go on where it is written again. Subscribers are told of the value `null`."},
		func(ctx context.Context, in *Target) (*deleted, error) {
			expected, err := in.hold()
			if err != nil {
				return nil, err
			}
			d, err := s.Delete(ctx, account.From(ctx), Key(in.Key), expected)
			return &deleted{etag(d)}, err
		})
}
