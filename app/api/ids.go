package api

import (
	"net/http"
	"reflect"

	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/gateway"
)

// idParameter is a parameter of a route that is an id. huma reads it as the number that it is
// in Go, to which 007 and +7 are 7: what an id looks like [store.ParseID] says alone.
type idParameter struct {
	path bool // else of the query, which may leave it out
	name string
}

// idParametersOf finds them as huma finds parameters: also those of embedded structs.
func idParametersOf(in reflect.Type) (list []idParameter) {
	for _, f := range reflect.VisibleFields(in) {
		if f.Type != reflect.TypeFor[store.ID]() {
			continue
		}
		if name := f.Tag.Get("path"); name != "" {
			list = append(list, idParameter{true, name})
		} else if name := f.Tag.Get("query"); name != "" {
			list = append(list, idParameter{false, name})
		}
	}
	return list
}

// withIDs refuses requests with ids that are none.
func withIDs(list []idParameter, next http.Handler) http.Handler {
	if len(list) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, p := range list {
			text := r.PathValue(p.name)
			if !p.path {
				if text = r.URL.Query().Get(p.name); text == "" {
					continue
				}
			}
			if _, err := store.ParseID(text); err != nil {
				gateway.WriteError(w, r, gateway.Invalid(gateway.FieldError{Path: p.name, Rule: "id", Message: sentence(err.Error())}))
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}
