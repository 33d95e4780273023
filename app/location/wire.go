package location

import (
	"encoding/json"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/gateway"
)

// Namespace is where clients connect to.
const Namespace = "/location"

// What clients are sent.
var (
	Moved = gateway.NewEvent[Move]("chat").
		Describe("A location has changed, for all who have joined its room; or is as it is, for a client that has just joined. What has no greater version than the client knows is old and to be dropped.")
	Granted = gateway.NewEvent[Move]("granted").
		Describe("The user may watch a location that they could not before: somebody shares it with them, or it is new and theirs. For all devices of the user. Its changes are told to those that join its room.")
	LeftRoom = gateway.NewEvent[Leave]("left_room").
			Describe("The user can no longer watch a location, for all devices of the user, whether they have joined its room or not.")
)

// Location is where something is.
type Location struct {
	ID        store.ID  `json:"id"`
	Name      string    `json:"name"`
	OwnerID   store.ID  `json:"ownerId"`
	OwnerName string    `json:"ownerName"`
	Geometry  Geometry  `json:"geometry"`
	Updated   time.Time `json:"updatedAt"`
	Version   int64     `json:"version" doc:"1, and one more with each change: of two states of a location, the one with the greater version is the newer."`
}

func onWire(l store.Location) Location {
	return Location{l.ID, l.Name, l.Owner, l.OwnerName, Geometry{l.Place}, l.Updated, l.Version}
}

// Move says where a location is.
type Move struct {
	UserID   store.ID `json:"userId" doc:"Its owner, who has moved it."`
	Message  Location `json:"message"`
	RoomName string   `json:"roomName" doc:"The location's id."`
}

func moveOf(l Location) Move { return Move{l.OwnerID, l, l.ID.String()} }

// Reasons why somebody can no longer watch a location.
const (
	ReasonRevoked = "revoked" // its owner has taken the grant back
	ReasonDeleted = "deleted" // there is no such location any more
)

// Leave says that somebody can no longer watch a location.
type Leave struct {
	RoomName string `json:"roomName" doc:"The location's id."`
	Reason   string `json:"reason" validate:"oneof=revoked deleted" doc:"revoked: it is shared with the user no longer. deleted: there is no such location any more."`
}

// Join is what a client sends that wants to watch a location, or no longer wants to. It need
// not say who it is.
type Join struct {
	LocationID store.ID  `json:"locationId" validate:"required"`
	UserID     *store.ID `json:"userId,omitempty" doc:"The user's own id, if anything: the server knows it."`
}

// Feature is a location as GeoJSON has it.
type Feature struct {
	Type       string     `json:"type" enum:"Feature"`
	ID         store.ID   `json:"id"`
	Geometry   Geometry   `json:"geometry"`
	Properties Properties `json:"properties"`
}

// Properties is what there is to say of a location beside where it is.
type Properties struct {
	Name      string    `json:"name"`
	OwnerID   store.ID  `json:"ownerId"`
	OwnerName string    `json:"ownerName"`
	Updated   time.Time `json:"updatedAt"`
	Version   int64     `json:"version"`
	Distance  *float64  `json:"distance,omitempty" doc:"In metres, from what near names."`
}

func featureOf(l store.Location) Feature {
	return Feature{"Feature", l.ID, Geometry{l.Place}, Properties{l.Name, l.Owner, l.OwnerName, l.Updated, l.Version, nil}}
}

// FeatureCollection is locations as GeoJSON has them, by their ids.
type FeatureCollection struct {
	Type     string    `json:"type" enum:"FeatureCollection"`
	Features []Feature `json:"features" nullable:"false"`
	Next     *store.ID `json:"next" doc:"What to give as after in order to get those that follow; null where these are the last."`
}

// ContentType implements [huma.ContentTypeFilter], as does the collection's (RFC 7946, 12).
func (Feature) ContentType(string) string { return geoJSON }

// ContentType implements [huma.ContentTypeFilter].
func (FeatureCollection) ContentType(string) string { return geoJSON }

const geoJSON = "application/geo+json"

// Watcher is somebody who may watch a location that is not theirs.
type Watcher struct {
	UserID  store.ID  `json:"userId"`
	Name    string    `json:"userName"`
	Granted time.Time `json:"grantedAt"`
}

// unread is a geometry that was not looked at yet, so that what is wrong with it can be told
// by its path.
type unread json.RawMessage

// UnmarshalJSON implements [json.Unmarshaler].
func (u *unread) UnmarshalJSON(text []byte) error {
	*u = append((*u)[:0], text...)
	return nil
}

// Schema implements [huma.SchemaProvider]. It refuses nothing: [ReadGeometry] does.
func (unread) Schema(r huma.Registry) *huma.Schema {
	told := Geometry{}.Schema(r)
	return &huma.Schema{Description: told.Description, Extensions: map[string]any{"anyOf": []any{told}}}
}
