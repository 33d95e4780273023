//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// server is one that is measured. Each takes SIGUSR2 for a garbage collection, except
// where there is nothing to collect.
type server struct {
	name    string
	prepare []string
	start   []string // "ADDR" stands for the address, "DATA" for a folder of its own
	bare    bool     // a yardstick: no long-polling, no bounds
	product bool     // a chat with accounts and a database, for the scenarios of those alone
	asked   bool     // measured only when it is named
}

const (
	own  = "kachi"
	node = "node" // what ratios are to
	nest = "nest" // what those of products are to
)

var servers = []server{
	{name: own, prepare: []string{"go", "build", "-o", "bin/bench/kachi", "./bench/server"}, start: []string{"bin/bench/kachi", "-addr", "ADDR"}},
	peer(node, "node"),
	peer("zishang520", "zishang520"),
	{name: "gws", prepare: prepared("gws"), start: started("gws"), bare: true},
	{name: "epoll", prepare: prepared("epoll"), start: started("epoll"), bare: true},
	{name: "epoll-gather", prepare: prepared("epoll"), start: started("epoll", "-gather"), bare: true},
	{name: "kachi-serve", prepare: words("go build -o bin/bench/kachi-serve ./cmd/kachi"), product: true,
		start: words("bin/bench/kachi-serve serve --addr ADDR --data DATA --log-level warn")},
	{name: nest, prepare: prepared("nest"), start: started("nest"), product: true},
	{name: "node-deflate", prepare: prepared("node"), start: started("node", "--deflate"), asked: true},
}

func peer(name, folder string) server {
	return server{name: name, prepare: prepared(folder), start: started(folder)}
}

func prepared(folder string) []string { return []string{"bench/peers/" + folder + "/run", "--prepare"} }

func started(folder string, args ...string) []string {
	return append([]string{"bench/peers/" + folder + "/run", "ADDR"}, args...)
}

func serverNames() (names []string) {
	for _, s := range servers {
		names = append(names, s.name)
	}
	return names
}

func pickServers(names string) (picked []server, err error) {
	if names == "" {
		for _, s := range servers {
			if !s.asked {
				picked = append(picked, s)
			}
		}
		return picked, nil
	}
next:
	for name := range strings.SplitSeq(names, ",") {
		for _, s := range servers {
			if s.name == name {
				picked = append(picked, s)
				continue next
			}
		}
		return nil, fmt.Errorf("no such server: %q", name)
	}
	return picked, nil
}

// prepare builds the generator and the servers, on all processors.
func prepare(ctx context.Context, picked []server) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	if err := os.MkdirAll("bin/bench", 0o755); err != nil {
		return err
	}
	builds := [][]string{{"go", "build", "-o", "bin/bench/load", "./bench/load"}}
	for _, s := range picked {
		builds = append(builds, s.prepare)
	}
	for _, build := range builds {
		cmd := exec.CommandContext(ctx, build[0], build[1:]...)
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%s: %w", strings.Join(build, " "), err)
		}
	}
	return nil
}
