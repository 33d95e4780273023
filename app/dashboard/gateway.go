package dashboard

import (
	"context"
	"time"

	"github.com/kachi-io/kachi/app/account"
	"github.com/kachi-io/kachi/app/api"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/limit"
	"github.com/kachi-io/kachi/gateway/schedule"
)

const namespace = "/dashboard"

type caller = gateway.Context[account.User]

// Gateway is the namespace /dashboard. Whoever is in it watches.
func (d *Dashboard) Gateway(auth gateway.Authenticator[account.User]) gateway.Gateway {
	if d.opts.Role == account.RoleAdmin {
		auth = admins{auth}
	}
	return gateway.New(namespace, auth, func(g *gateway.Namespace[account.User]) {
		g.Emits(Updated)
		g.Use(limit.PerPrincipal(60, time.Minute))
		g.OnConnect(func(ctx *caller) error { return Updated.Emit(ctx, ctx.Client(), d.current()) })
		gateway.On(g, "history", func(*caller, gateway.None) (History, error) { return d.History(), nil }).
			Describe("What was seen in the last 15 minutes.")
	})
}

// Routes adds nothing: figures for machines are at /metrics.
func (d *Dashboard) Routes(*api.API) {}

// Jobs are the updates.
func (d *Dashboard) Jobs() []*schedule.Job { return []*schedule.Job{d.job} }

// admins admits administrators alone, before they are connected.
type admins struct {
	gateway.Authenticator[account.User]
}

// Authenticate implements [gateway.Authenticator].
func (a admins) Authenticate(ctx context.Context, h *gateway.Handshake) (gateway.Identity[account.User], error) {
	return onlyAdmin(a.Authenticator.Authenticate(ctx, h))
}

// Refresh implements [gateway.Refresher].
func (a admins) Refresh(ctx context.Context, h *gateway.Handshake, token string) (gateway.Identity[account.User], error) {
	r, ok := a.Authenticator.(gateway.Refresher[account.User])
	if !ok {
		return gateway.Identity[account.User]{}, gateway.NotFound("Tokens cannot be refreshed here")
	}
	return onlyAdmin(r.Refresh(ctx, h, token))
}

func onlyAdmin(id gateway.Identity[account.User], err error) (gateway.Identity[account.User], error) {
	if err == nil && !id.Principal.Admin() {
		err = gateway.Forbidden("Only an administrator may see the dashboard")
	}
	return id, err
}
