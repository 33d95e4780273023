// Package hosts holds tests only: the server where it really lives, in net/http with both
// protocols and short time-outs, behind middleware and behind nginx, with the real
// socket.io-client in Node and in Chromium. What they show is told in docs/hosting.md.
package hosts
