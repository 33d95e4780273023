package main

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/kachi-io/kachi/examples/people"
	"github.com/kachi-io/kachi/gateway"
)

// API is PUT /location: it keeps where a location is, and then tells whom it concerns. It
// stands behind [gateway.Protect], which knows who asks.
type API struct {
	store   *Store
	emitter gateway.Emitter
	log     *slog.Logger
}

// Update is the body of the request.
type Update struct {
	ID       int   `json:"id"`
	Geometry Point `json:"geometry"`
}

// Updated is the answer.
type Updated struct {
	Status int `json:"status"`
	Data   struct {
		UpdatedLocationResult Location `json:"updatedLocationResult"`
	} `json:"data"`
}

func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	location, err := a.update(w, r)
	if err != nil {
		if gateway.CodeOf(err) == gateway.CodeInternal { // what is no client's business
			a.log.Error("PUT /location", "error", err)
		}
		gateway.WriteError(w, r, err)
		return
	}
	answer := Updated{Status: http.StatusOK}
	answer.Data.UpdatedLocationResult = location
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer) // to whoever is still there
}

func (a *API) update(w http.ResponseWriter, r *http.Request) (Location, error) {
	person, _ := gateway.PrincipalFrom[people.Person](r.Context())
	in, err := read(w, r)
	if err != nil {
		return Location{}, err
	}
	location, err := a.store.Move(person.ID, in.ID, in.Geometry)
	if err != nil {
		return Location{}, err
	}
	news, err := json.Marshal(location)
	if err != nil {
		return Location{}, err
	}
	message := Message{UserID: person.ID, Message: news, RoomName: strconv.Itoa(location.ID)}
	if err := Chat.Emit(r.Context(), a.emitter.Namespace("/").To(rooms.Of(location.ID)), message); err != nil {
		a.log.Error("telling of a location", "id", location.ID, "error", err) // it is there nevertheless
	}
	return location, nil
}

// read is as strict as gateways are with their inputs.
func read(w http.ResponseWriter, r *http.Request) (in Update, err error) {
	body := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10))
	body.DisallowUnknownFields()
	if err := body.Decode(&in); err != nil {
		return in, gateway.Errorf(gateway.CodeBadRequest, "The body cannot be read: %v", err)
	}
	if _, err := body.Token(); !errors.Is(err, io.EOF) {
		return in, gateway.NewError(gateway.CodeBadRequest, "The body has more than one value")
	}
	return in, in.Geometry.Validate(r.Context())
}
