package schedule_test

import (
	"context"
	"fmt"
	"time"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/schedule"
)

// A dashboard is sent its figures every five seconds while somebody looks at it.
func Example() {
	hub := gateway.NewHub()
	app, err := gateway.NewApp(&gateway.Options{Hub: hub}, dashboard())
	if err != nil {
		fmt.Println(err)
		return
	}
	viewers := func() gateway.Target { return hub.Namespace("/dashboard").Local() }
	update := func(ctx context.Context) error { return updated.Emit(ctx, viewers(), 42) }

	err = schedule.With(app,
		schedule.Every(5*time.Second, update, schedule.Options{WhenListened: viewers}),
		schedule.Cron("0 4 * *", update), // a field is missing
	)
	fmt.Println(err != nil)

	if err := app.Stop(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output: true
}
