package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// untilStopped returns a context that ends at the first SIGINT or SIGTERM. At the second the
// process says so, and ends as if nobody had caught it: whatever it was about is left.
func untilStopped(w io.Writer) context.Context {
	ctx, stop := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() { // as long as the process lives
		<-signals
		stop()
		again := <-signals
		fmt.Fprintf(w, "kachi: %v while stopping: ended at once\n", again)
		signal.Reset(again)
		if self, err := os.FindProcess(os.Getpid()); err == nil && self.Signal(again) == nil {
			select {} // until it is delivered
		}
		os.Exit(1) // where a process cannot send itself signals
	}()
	return ctx
}

// follow reads the certificate's files again at each SIGHUP, until the function that it
// returns is called. It is the one thing of a server that can be read again: the rest of the
// settings holds until a restart. Where there are no such files SIGHUP is told of, and nothing
// else: it also comes from terminals that are closed.
func (s secure) follow() (stop func()) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	stopped, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-hangups:
				if s.files == nil {
					s.log.Info("SIGHUP: there are no files of a certificate to read again")
					continue
				}
				_ = s.files.Reload() // which logs what came of it
			case <-stopped:
				return
			}
		}
	}()
	return func() {
		signal.Stop(hangups)
		close(stopped)
		<-ended
	}
}
