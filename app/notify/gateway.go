package notify

import (
	"time"

	"github.com/kachi-io/kachi/app/account"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/limit"
	"github.com/kachi-io/kachi/gateway/schedule"
)

const namespace = "/notifications"

type caller = gateway.Context[account.User]

// Gateway is the namespace /notifications.
func (s *Notifications) Gateway(auth gateway.Authenticator[account.User]) gateway.Gateway {
	return gateway.New(namespace, auth, func(g *gateway.Namespace[account.User]) {
		g.Emits(Notified, WereRead, Unread)
		g.Use(limit.PerPrincipal(120, 10*time.Second))
		gateway.On(g, "subscribeToNotifications", s.subscribe).Authorize(isOwn).
			Describe("Have this device told of one's own notifications from now on. The answer says how many are unread already.")
		gateway.On(g, "read", s.read).
			Describe("Mark notifications as read. The other devices are told.")
	})
}

// isOwn refuses who wants to be told what is for others.
func isOwn(ctx *caller, who *claim) error {
	if who != nil && *who != claim(ctx.Principal.ID) {
		return gateway.Forbidden("These are somebody else's notifications")
	}
	return nil
}

// subscribe joins the room of whoever the token says it is.
func (s *Notifications) subscribe(ctx *caller, _ *claim) (State, error) {
	ctx.Join(people.Of(ctx.Principal.ID)) // first: nothing is missed between the count and the room
	return s.State(ctx, ctx.Principal.ID)
}

func (s *Notifications) read(ctx *caller, in Reading) (State, error) {
	return s.Read(ctx, ctx.Principal.ID, in, ctx.Others().To(people.Of(ctx.Principal.ID)))
}

// Jobs are what is done from time to time.
func (s *Notifications) Jobs() []*schedule.Job {
	return []*schedule.Job{
		// On every node: what one has removed is not there for the others.
		schedule.Every(time.Hour, s.DropOld, schedule.Options{Name: "old notifications", Jitter: 10 * time.Minute, Timeout: 10 * time.Minute}),
	}
}
