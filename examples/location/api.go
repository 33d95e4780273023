package main

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/kachi-io/kachi/examples/people"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/socketio"
)

// API is PUT /location: it keeps where a location is, and then tells whom it concerns.
type API struct {
	people  *people.People
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
		a.refuse(w, err)
		return
	}
	answer := Updated{Status: http.StatusOK}
	answer.Data.UpdatedLocationResult = location
	write(w, answer.Status, answer)
}

func (a *API) update(w http.ResponseWriter, r *http.Request) (Location, error) {
	person, err := a.people.FromRequest(r)
	if err != nil {
		return Location{}, err
	}
	var in Update
	body := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10))
	body.DisallowUnknownFields()
	if err := body.Decode(&in); err != nil {
		return Location{}, gateway.Errorf(gateway.CodeBadRequest, "The body cannot be read: %v", err)
	}
	if err := in.Geometry.Validate(r.Context()); err != nil {
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
	return location, Chat.Emit(r.Context(), a.emitter.Namespace("/").To(rooms.Of(location.ID)), message)
}

// refuse answers in the shape that gateways have for errors.
func (a *API) refuse(w http.ResponseWriter, err error) {
	body, status := socketio.PublicError(err, ""), http.StatusInternalServerError
	switch body.Code {
	case gateway.CodeUnauthorized:
		status = http.StatusUnauthorized
	case gateway.CodeForbidden:
		status = http.StatusForbidden
	case gateway.CodeBadRequest, gateway.CodeInvalid:
		status = http.StatusBadRequest
	}
	var coded *gateway.Error
	if !errors.As(err, &coded) {
		a.log.Error("PUT /location", "error", err)
	}
	write(w, status, body)
}

func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // to whoever is still there
}
