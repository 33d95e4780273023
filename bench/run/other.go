//go:build !linux

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "bench: needs Linux, for epoll, /proc and processor affinity")
	os.Exit(1)
}
