package socketio

import (
	"context"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio/packet"
)

// Every option of the connections below can be set here, by the same name, and arrives.
func TestEngineOptionsAreHandedOn(t *testing.T) {
	elsewhere := map[string]bool{
		"Hooks":         true, // Hooks.Engine
		"InitialPacket": true, // Socket.IO clients expect none
	}
	ours, theirs := reflect.TypeFor[Options](), reflect.TypeFor[engineio.Options]()
	for field := range theirs.Fields() {
		if !field.IsExported() || elsewhere[field.Name] {
			continue
		}
		own, ok := ours.FieldByName(field.Name)
		if !ok || own.Type != field.Type {
			t.Errorf("engineio.Options.%s %s has no counterpart", field.Name, field.Type)
			continue
		}
		var o Options
		set := reflect.ValueOf(&o).Elem().FieldByName(field.Name)
		set.Set(something(t, field.Type))
		got := reflect.ValueOf(o.engine()).Elem().FieldByName(field.Name)
		assert.True(t, !got.IsZero(), "%s is not handed on", field.Name)
	}
}

// something returns a value of the type that is not its zero value.
func something(t *testing.T, typ reflect.Type) reflect.Value {
	v := reflect.New(typ).Elem()
	switch typ.Kind() {
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(typ.Elem()))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(typ, 1, 1))
	case reflect.Func:
		v.Set(reflect.MakeFunc(typ, func([]reflect.Value) []reflect.Value { return nil }))
	case reflect.Struct:
		v.Field(0).Set(something(t, typ.Field(0).Type))
	default:
		t.Fatalf("no value of type %s", typ)
	}
	return v
}

func TestValidateNamesEveryFault(t *testing.T) {
	err := (&Options{
		AllowedOrigins: []string{"*"},
		CORS:           engineio.CORS{Credentials: true},
		AckTimeout:     -time.Second,
		MailboxBytes:   -1,
	}).Validate()
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"Credentials", "Options.AckTimeout is negative", "Options.MailboxBytes is negative"} {
		assert.True(t, strings.Contains(err.Error(), want), "%v does not mention %s", err, want)
	}
	assert.NoError(t, (*Options)(nil).Validate())
	assert.NoError(t, (&Options{}).Validate())
	defer func() { assert.True(t, recover() != nil, "NewServer takes contradictory options") }()
	NewServer(&Options{AckTimeout: -1})
}

func TestRegistrationRefusesMistakes(t *testing.T) {
	ns := NewServer(nil).Of("no-slash")
	assert.Equal(t, ns.Name(), "/no-slash")
	nothing := func(context.Context, *Event) error { return nil }
	ns.On("twice", nothing)
	ns.OnServerSide("twice", func(context.Context, packet.Args) (any, error) { return nil, nil })
	for name, mistake := range map[string]func(){
		"a reserved name":          func() { ns.On("disconnect", nothing) },
		"a second handler":         func() { ns.On("twice", nothing) },
		"a second between servers": func() { ns.OnServerSide("twice", nil) },
	} {
		func() {
			defer func() { assert.True(t, recover() != nil, name) }()
			mistake()
		}()
	}
}

var _ http.Handler = (*Server)(nil)
