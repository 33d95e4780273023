package account_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/kachi-io/kachi/app/account"
	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/app/store/storetest"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/testclient"
)

// house is accounts with one gateway, which tells everybody who they are.
type house struct {
	*account.Accounts
	db  *store.DB
	url string
	end func()
}

type whoAmI struct{ Name, Role string }

const (
	here     = "192.0.2.1"
	password = "correct horse battery"
)

func build(t *testing.T, path string, o account.Options) *house {
	t.Helper()
	o.Secret = []byte("a secret that is long enough for HS256")
	db, err := store.Open(t.Context(), path, nil)
	assert.NoError(t, err)
	accounts, err := account.New(db, o)
	assert.NoError(t, err)
	app, err := gateway.NewApp(&gateway.Options{Revocations: db.Revocations(), TokenLifetime: accounts.AccessLifetime()},
		gateway.New("/", accounts.Authenticator(), func(g *gateway.Namespace[account.User]) {
			gateway.On(g, "who", func(c *gateway.Context[account.User], _ gateway.None) (whoAmI, error) {
				return whoAmI{c.Principal.Name, string(c.Principal.Role)}, nil
			})
		}))
	assert.NoError(t, err)
	assert.NoError(t, app.Start(context.Background()))
	accounts.SetRevoker(app)
	server := httptest.NewServer(app)
	h := &house{Accounts: accounts, db: db, url: server.URL}
	h.end = sync.OnceFunc(func() {
		assert.NoError(t, app.Stop(context.Background()))
		server.Close()
		assert.NoError(t, db.Close())
	})
	t.Cleanup(h.end)
	return h
}

func open(t *testing.T) *house {
	return build(t, filepath.Join(t.TempDir(), "kachi.db"), account.Options{})
}

func (h *house) register(t *testing.T, name string) account.Pair {
	t.Helper()
	p, err := h.Register(t.Context(), name, password)
	assert.NoError(t, err)
	return p
}

func (h *house) logIn(t *testing.T, name string) account.Pair {
	t.Helper()
	p, err := h.LogIn(t.Context(), name, password, here)
	assert.NoError(t, err)
	return p
}

func (h *house) dial(t *testing.T, p account.Pair) *testclient.Client {
	t.Helper()
	return testclient.Connect(t, h.url, "/", map[string]string{"token": p.Access})
}

func (h *house) refused(t *testing.T, p account.Pair, reason string) {
	t.Helper()
	c, why := testclient.Try(t, h.url, "/", map[string]string{"token": p.Access})
	assert.True(t, c == nil, "admitted")
	assert.True(t, contains(why, `"code":"unauthorized"`, reason), why)
}

func stays(t *testing.T, c *testclient.Client) {
	t.Helper()
	var me whoAmI
	c.Ask(&me, "who")
	assert.True(t, me.Name != "", me)
}

func expelled(t *testing.T, c *testclient.Client, reason string) {
	t.Helper()
	var e struct {
		Code    string
		Details struct{ Reason string }
	}
	for e.Code == "" {
		if next := c.Next(); next.Name == "exception" {
			next.Decode(t, &e)
		}
	}
	assert.Equal(t, e.Details.Reason, reason)
	c.Expelled()
}

func TestAReusedRefreshTokenEndsItsSignIn(t *testing.T) {
	h := open(t)
	one, two := h.register(t, "Mina"), h.logIn(t, "Mina")
	first, second := h.dial(t, one), h.dial(t, two)
	next, err := h.Refresh(t.Context(), one.Refresh)
	assert.NoError(t, err)
	third := h.dial(t, next)

	_, err = h.Refresh(t.Context(), one.Refresh)
	assert.Equal(t, reason(t, err), account.DeniedReused)
	expelled(t, first, "revoked")
	expelled(t, third, "revoked")
	h.refused(t, one, "revoked")
	h.refused(t, next, "revoked")
	_, err = h.Refresh(t.Context(), next.Refresh)
	assert.Equal(t, reason(t, err), gateway.DeniedExpired)

	stays(t, second) // another sign-in is none of the thief's
	_, err = h.Refresh(t.Context(), two.Refresh)
	assert.NoError(t, err)
}

// Of many that show one token at once, at most one is given the next, and since the others
// show one that was used, nothing of it stays good.
func TestConcurrentRefreshes(t *testing.T) {
	h := open(t)
	p := h.register(t, "Mina")
	socket := h.dial(t, p)
	const many = 8
	pairs := make(chan account.Pair, many)
	var all sync.WaitGroup
	for range many {
		all.Go(func() {
			if next, err := h.Refresh(t.Context(), p.Refresh); err == nil {
				pairs <- next
			}
		})
	}
	all.Wait()
	assert.Equal(t, len(pairs), 1)
	next := <-pairs
	expelled(t, socket, "revoked")
	h.refused(t, next, "revoked")
	_, err := h.Refresh(t.Context(), next.Refresh)
	assert.Equal(t, reason(t, err), gateway.DeniedExpired)
}

// Access tokens name their family. Who sees one cannot make a refresh token of it that would
// be taken for a used one.
func TestAnInventedRefreshTokenEndsNothing(t *testing.T) {
	h := open(t)
	one, two := h.register(t, "Mina"), h.logIn(t, "Mina")
	family, _, _ := cut(one.Refresh)
	_, other, _ := cut(two.Refresh)
	for _, invented := range []string{"", "x", ".", family, family + ".", family + "." + other, family + "." + other[:43], one.Refresh + "A", one.Refresh + "=", one.Refresh[:len(one.Refresh)-1]} {
		_, err := h.Refresh(t.Context(), invented)
		assert.True(t, gateway.CodeOf(err) == gateway.CodeUnauthorized, invented, err)
		assert.NoError(t, h.LogOut(t.Context(), invented, nil))
	}
	stays(t, h.dial(t, one))
	_, err := h.Refresh(t.Context(), one.Refresh)
	assert.NoError(t, err)
}

func TestLogOutEndsThatSignInOnly(t *testing.T) {
	h := open(t)
	one, two, jun := h.register(t, "Mina"), h.logIn(t, "Mina"), h.register(t, "Jun")
	first, again, second, other := h.dial(t, one), h.dial(t, one), h.dial(t, two), h.dial(t, jun)
	assert.NoError(t, h.LogOut(t.Context(), one.Refresh, nil))
	expelled(t, first, "revoked")
	expelled(t, again, "revoked")
	stays(t, second)
	stays(t, other)
	h.refused(t, one, "revoked")
	_, err := h.Refresh(t.Context(), one.Refresh)
	assert.Equal(t, reason(t, err), gateway.DeniedExpired)
	assert.NoError(t, h.LogOut(t.Context(), one.Refresh, nil), "once more")
	_, err = h.Refresh(t.Context(), two.Refresh)
	assert.NoError(t, err)
}

func TestLogOutEverywhere(t *testing.T) {
	h := open(t)
	one, two, jun := h.register(t, "Mina"), h.logIn(t, "Mina"), h.register(t, "Jun")
	first, second, other := h.dial(t, one), h.dial(t, two), h.dial(t, jun)
	assert.NoError(t, h.LogOutEverywhere(t.Context(), one.User.ID))
	expelled(t, first, "revoked")
	expelled(t, second, "revoked")
	stays(t, other)
	for _, p := range []account.Pair{one, two} {
		h.refused(t, p, "revoked")
		_, err := h.Refresh(t.Context(), p.Refresh)
		assert.Equal(t, reason(t, err), gateway.DeniedExpired)
	}
	stays(t, h.dial(t, h.logIn(t, "Mina")))
}

func TestAnotherPasswordEndsAllSignIns(t *testing.T) {
	h := open(t)
	one, two := h.register(t, "Mina"), h.logIn(t, "Mina")
	first, second := h.dial(t, one), h.dial(t, two)
	_, err := h.SetPassword(t.Context(), one.User.ID, "wrong wrong", "another horse", here)
	assert.Equal(t, reason(t, err), account.DeniedCredentials)
	stays(t, first)
	next, err := h.SetPassword(t.Context(), one.User.ID, password, "another horse", here)
	assert.NoError(t, err)
	expelled(t, first, "revoked")
	expelled(t, second, "revoked")
	h.refused(t, two, "revoked")
	stays(t, h.dial(t, next))
	_, err = h.LogIn(t.Context(), "Mina", password, here)
	assert.Equal(t, reason(t, err), account.DeniedCredentials)
}

func TestAnotherRoleEndsWhatNamesTheOldOne(t *testing.T) {
	h := open(t)
	root, mina := h.register(t, "Root"), h.register(t, "Mina")
	assert.Equal(t, gateway.CodeOf(h.SetRole(t.Context(), root.User.ID, account.RoleUser)), gateway.CodeConflict, "the last administrator")
	assert.Equal(t, gateway.CodeOf(h.SetRole(t.Context(), 99, account.RoleUser)), gateway.CodeNotFound)
	assert.NoError(t, h.SetRole(t.Context(), mina.User.ID, account.RoleAdmin))

	socket := h.dial(t, root)
	assert.NoError(t, h.SetRole(t.Context(), root.User.ID, account.RoleUser))
	expelled(t, socket, "revoked")
	h.refused(t, root, "revoked")
	next, err := h.Refresh(t.Context(), root.Refresh)
	assert.NoError(t, err, "the sign-in goes on")
	var me whoAmI
	h.dial(t, next).Ask(&me, "who")
	assert.Equal(t, me.Role, "user")
}

// A sign-in that was under way while the password or the role changed gets nothing of before.
func TestASignInThatMeetsAChange(t *testing.T) {
	h := open(t)
	root, mina := h.register(t, "Root"), h.register(t, "Mina")
	assert.NoError(t, h.SetRole(t.Context(), mina.User.ID, account.RoleAdmin))
	_ = root
	for range 3 {
		var all sync.WaitGroup
		pairs := make(chan account.Pair, 2)
		for range 2 {
			all.Go(func() {
				if p, err := h.LogIn(t.Context(), "Mina", password, here); err == nil {
					pairs <- p
				}
			})
		}
		assert.NoError(t, h.SetRole(t.Context(), mina.User.ID, account.RoleUser))
		all.Wait()
		close(pairs)
		for p := range pairs {
			c, _ := testclient.Try(t, h.url, "/", map[string]string{"token": p.Access})
			if c == nil {
				continue // it came before the change, and was taken back
			}
			var me whoAmI
			c.Ask(&me, "who")
			assert.Equal(t, me.Role, "user")
		}
		assert.NoError(t, h.SetRole(t.Context(), mina.User.ID, account.RoleAdmin))
	}
}

func TestTokensThatExpireEndSockets(t *testing.T) {
	h := build(t, filepath.Join(t.TempDir(), "kachi.db"), account.Options{AccessLifetime: 3 * time.Second})
	p := h.register(t, "Mina")
	goes, remains := h.dial(t, p), h.dial(t, p)

	var told gateway.TokenExpiry
	remains.Expect("tokenExpiring").Decode(t, &told)
	assert.True(t, told.ExpiresAt.Equal(p.AccessExpires), told, p.AccessExpires)
	next, err := h.Refresh(t.Context(), p.Refresh)
	assert.NoError(t, err)
	var refreshed gateway.TokenExpiry
	remains.Ask(&refreshed, "refreshToken", map[string]string{"token": next.Access})
	assert.True(t, refreshed.ExpiresAt.Equal(next.AccessExpires), refreshed, next.AccessExpires)

	expelled(t, goes, "expired")
	h.refused(t, p, "expired")
	stays(t, remains) // beyond the first token's end
	expelled(t, remains, "expired")
}

func TestATokenOfSomebodyElseRefreshesNothing(t *testing.T) {
	h := open(t)
	mina, jun := h.register(t, "Mina"), h.register(t, "Jun")
	c := h.dial(t, mina)
	for _, token := range []string{jun.Access, "x", "", mina.Refresh} {
		var e struct{ Code string }
		c.Ask(&e, "refreshToken", map[string]string{"token": token})
		assert.Equal(t, e.Code, gateway.CodeUnauthorized, token)
	}
	var me whoAmI
	c.Ask(&me, "who")
	assert.Equal(t, me.Name, "Mina")
}

func TestRevocationsSurviveARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kachi.db")
	h := build(t, path, account.Options{})
	one, two, jun := h.register(t, "Mina"), h.logIn(t, "Mina"), h.register(t, "Jun")
	assert.NoError(t, h.LogOut(t.Context(), one.Refresh, nil))
	assert.NoError(t, h.LogOutEverywhere(t.Context(), jun.User.ID))
	h.end()

	h = build(t, path, account.Options{})
	h.refused(t, one, "revoked")
	h.refused(t, jun, "revoked")
	stays(t, h.dial(t, two))
}

// Of more sign-ins than one has devices, the oldest end.
func TestOldSignInsMakeRoom(t *testing.T) {
	h := open(t)
	oldest := h.register(t, "Mina")
	socket := h.dial(t, oldest)
	u, err := h.db.User(t.Context(), oldest.User.ID)
	assert.NoError(t, err)
	now := time.Now()
	for i := range 19 { // which saves the hashing
		_, _, err := h.db.AddFamily(t.Context(), store.Family{ID: fmt.Sprint("device", i), User: u.ID, Token: make([]byte, 32), Expires: now.Add(time.Hour)}, u.Password, now, 20)
		assert.NoError(t, err)
	}
	stays(t, socket)
	h.logIn(t, "Mina")
	expelled(t, socket, "revoked")
	h.refused(t, oldest, "revoked")
	_, err = h.Refresh(t.Context(), oldest.Refresh)
	assert.Equal(t, reason(t, err), gateway.DeniedExpired)
}

func TestClosedRegistration(t *testing.T) {
	h := build(t, filepath.Join(t.TempDir(), "kachi.db"), account.Options{Closed: true})
	assert.Equal(t, h.register(t, "Root").User.Role, account.RoleAdmin)
	_, err := h.Register(t.Context(), "Mina", password)
	assert.Equal(t, gateway.CodeOf(err), gateway.CodeForbidden)
	stays(t, h.dial(t, h.logIn(t, "Root")))
}

// The store has nothing that a thief could sign in with.
func TestTheStoreHasNoSecrets(t *testing.T) {
	db := storetest.New(t)
	a, err := account.New(db, account.Options{Secret: []byte("a secret that is long enough for HS256")})
	assert.NoError(t, err)
	p, err := a.Register(t.Context(), "Mina", password)
	assert.NoError(t, err)
	u, err := db.User(t.Context(), p.User.ID)
	assert.NoError(t, err)
	assert.True(t, contains(u.Password, "$argon2id$v=19$m=19456,t=2,p=1$"), u.Password)
	assert.True(t, !contains(u.Password, password))
}
