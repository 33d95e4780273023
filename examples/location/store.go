package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/kachi-io/kachi/gateway"
)

// Location is where something is, and whose it is.
type Location struct {
	ID        int       `json:"id"`
	OwnerID   int       `json:"ownerId"`
	Geometry  Point     `json:"geometry"`
	UpdatedAt time.Time `json:"updatedAt"`
	Version   int       `json:"version"`
}

// Point is a point of GeoJSON (RFC 7946, 3.1.2): longitude first, then latitude, in
// degrees.
type Point struct {
	Type        string    `json:"type"`
	Coordinates []float64 `json:"coordinates"`
}

// Validate implements [gateway.Validated].
func (p Point) Validate(context.Context) error {
	var wrong []gateway.FieldError
	if p.Type != "Point" {
		wrong = append(wrong, gateway.FieldError{Path: "geometry.type", Rule: "oneof", Param: "Point", Message: "geometry is to be a Point"})
	}
	if len(p.Coordinates) != 2 {
		wrong = append(wrong, gateway.FieldError{Path: "geometry.coordinates", Rule: "len", Param: "2", Message: "coordinates are to be a longitude and a latitude"})
		return gateway.Invalid(wrong...)
	}
	for i, limit := range []float64{180, 90} {
		if v := p.Coordinates[i]; v < -limit || v > limit {
			wrong = append(wrong, gateway.FieldError{
				Path: fmt.Sprintf("geometry.coordinates[%d]", i), Rule: "range", Param: fmt.Sprintf("%v", limit),
				Message: fmt.Sprintf("%s is to be within ±%v", []string{"The longitude", "The latitude"}[i], limit),
			})
		}
	}
	if len(wrong) > 0 {
		return gateway.Invalid(wrong...)
	}
	return nil
}

// Store keeps locations in memory, and who may watch them. It is safe for concurrent use.
// It keeps what it was made with: a program of one's own has a database.
type Store struct {
	mu        sync.Mutex
	locations map[int]Location
	watchers  map[int][]int // users by location
}

// NewStore makes a store with locations: the owner of each, by its id.
func NewStore(owners map[int]int) *Store {
	s := &Store{locations: map[int]Location{}, watchers: map[int][]int{}}
	for id, owner := range owners {
		s.locations[id] = Location{ID: id, OwnerID: owner, Geometry: Point{"Point", []float64{0, 0}}}
	}
	return s
}

// AddWatcher lets a user watch a location.
func (s *Store) AddWatcher(location, user int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watchers[location] = append(s.watchers[location], user)
}

// MayWatch says whether a user may watch a location: nil, or an error for the client. Who
// may not is not told whether there is one.
func (s *Store) MayWatch(user, location int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l, ok := s.locations[location]; ok && l.OwnerID == user || slices.Contains(s.watchers[location], user) {
		return nil
	}
	return gateway.Forbidden("You cannot watch this location")
}

// MayMove says whether a user may say where a location is.
func (s *Store) MayMove(user, location int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l, ok := s.locations[location]; ok && l.OwnerID == user {
		return nil
	}
	return gateway.Forbidden("This is not your location")
}

// Move notes where a location is now.
func (s *Store) Move(user, location int, to Point) (Location, error) {
	if err := s.MayMove(user, location); err != nil {
		return Location{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.locations[location]
	l.Geometry, l.UpdatedAt, l.Version = to, time.Now(), l.Version+1
	s.locations[location] = l
	return l, nil
}
