package main

import (
	"testing"

	"github.com/kachi-io/kachi/examples/mount/mounttest"
)

func TestMounted(t *testing.T) {
	srv := greeter()
	mounttest.Run(t, srv, router(srv))
}
