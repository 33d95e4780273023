package location_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/paulmach/orb"

	"github.com/kachi-io/kachi/app/account"
	"github.com/kachi-io/kachi/app/apptest"
	"github.com/kachi-io/kachi/app/location"
	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/nodetest"
	"github.com/kachi-io/kachi/internal/testclient"
)

func TestTheRealClient(t *testing.T) {
	app := apptest.New(t, nil)
	app.Register(t, "Root")
	given := map[string]any{"url": app.URL}
	for _, name := range []string{"mina", "jun", "sora", "stranger"} {
		p := app.Register(t, name)
		given[name], given[name+"Id"] = p.Token, p.ID
	}
	text, err := json.Marshal(given)
	assert.NoError(t, err)
	nodetest.Checks(t, "app/location.mjs", nil, "KACHI_GIVEN="+string(text))
}

// crashing has the test's program move a location and be killed before that is told.
const crashing = "KACHI_TEST_LOCATION_CRASH"

type crash struct {
	Source    string
	Owner, ID store.ID
}

// dying is an emitter that kills the process when something is to be told.
type dying struct{}

func (dying) Namespace(string) gateway.Target {
	self, _ := os.FindProcess(os.Getpid())
	_ = self.Kill()
	select {}
}

func moveAndDie(instruction string) {
	var c crash
	if err := json.Unmarshal([]byte(instruction), &c); err != nil {
		panic(err)
	}
	db, err := store.Open(context.Background(), c.Source, nil)
	if err != nil {
		panic(err)
	}
	_, err = location.New(db, dying{}, location.Options{}).Put(context.Background(), account.User{ID: c.Owner}, location.Change{ID: c.ID, Place: orb.Point{16.37, 48.2}})
	panic(fmt.Sprint("survived: ", err))
}

// What was stored and not told, since the server was killed in between, is told to whoever
// joins next; and a client has to join again after that.
func TestKilledBetweenStoringAndTelling(t *testing.T) {
	apptest.Each(t, nil, func(t *testing.T, app *apptest.App) {
		app.Register(t, "Root")
		mina, jun := app.Register(t, "Mina"), app.Register(t, "Jun")
		at := put(t, mina, 201, object{"geometry": point(1, 2)})
		share(t, mina, at.ID, jun)
		app.Stop()

		source := app.Options.Database
		if source == "" {
			source = filepath.Join(app.Data, "kachi.db")
		}
		text, err := json.Marshal(crash{source, mina.ID, at.ID})
		assert.NoError(t, err)
		killed := exec.CommandContext(t.Context(), os.Args[0])
		killed.Env = append(os.Environ(), crashing+"="+string(text))
		out, err := killed.CombinedOutput()
		var exit *exec.ExitError
		assert.True(t, errors.As(err, &exit) && exit.ExitCode() == -1, "killed by a signal: ", err, string(out))

		app = app.Restart(t)
		late := watch(t, jun.On(app).Dial(t, location.Namespace), at.ID)
		assert.Equal(t, late.Message.Version, at.Version+1)
		assert.Equal(t, late.Message.Geometry, location.Geometry{Geometry: orb.Point{16.37, 48.2}})
	})
}

// mute is an emitter by which nothing can be told.
type mute struct{}

func (mute) Namespace(string) gateway.Target { return gateway.Target{} }

// Who has moved a location is told that it is stored, although nobody else can be told.
func TestStoredAndNotTold(t *testing.T) {
	app := apptest.New(t, nil)
	mina := app.Register(t, "Mina")
	at := put(t, mina, 201, object{"geometry": point(1, 2)})
	app.Stop()
	db, err := store.Open(t.Context(), filepath.Join(app.Data, "kachi.db"), nil)
	assert.NoError(t, err)
	moved, err := location.New(db, mute{}, location.Options{}).Put(t.Context(), account.User{ID: mina.ID}, location.Change{ID: at.ID, Place: orb.Point{3, 4}})
	assert.NoError(t, err)
	assert.Equal(t, moved.Version, int64(2))
	assert.NoError(t, db.Close())
	app = app.Restart(t)
	assert.Equal(t, watch(t, mina.On(app).Dial(t, location.Namespace), at.ID).Message, moved)
}

// Whichever comes first, joining or the taking back of the grant: in the end nobody without a
// grant is in the room.
func TestJoiningWhileTheGrantIsTakenBack(t *testing.T) {
	apptest.Each(t, nil, func(t *testing.T, app *apptest.App) {
		app.Register(t, "Root")
		mina, jun := app.Register(t, "Mina"), app.Register(t, "Jun")
		at := put(t, mina, 201, object{"geometry": point(0, 0)})
		fence := put(t, mina, 201, object{"geometry": point(0, 0)}) // what is told of it comes last
		share(t, mina, fence.ID, jun)
		var watchers []*testclient.Client
		for range 4 {
			c := jun.Dial(t, location.Namespace)
			watch(t, c, fence.ID)
			watchers = append(watchers, c)
		}
		for i := range 5 {
			share(t, mina, at.ID, jun)
			var taking sync.WaitGroup
			taking.Go(func() { mina.Call(t, 204, "DELETE", path(at.ID, "/watchers/", jun.ID), nil, nil) })
			for range 3 {
				for _, c := range watchers {
					c.Emit("join_room", object{"locationId": at.ID})
				}
			}
			for _, c := range watchers {
				c.Answer("leave_room", object{"locationId": 999}) // and so has what came before
			}
			taking.Wait()
			moved := put(t, mina, 200, object{"id": at.ID, "geometry": point(float64(i), 1)})
			fence = put(t, mina, 200, object{"id": fence.ID, "geometry": point(float64(i), 2)})
			for _, c := range watchers {
				for m := (location.Move{}); m.Message.ID != fence.ID; {
					if e := c.Next(); e.Name == "chat" {
						e.Decode(t, &m)
						assert.True(t, m.Message.ID != at.ID || m.Message.Version < moved.Version, "told without a grant")
					}
				}
			}
		}
	})
}
