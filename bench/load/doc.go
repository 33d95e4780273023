// Command load puts load on a Socket.IO server that fulfils the contract of bench/server,
// and prints what it saw as JSON (bench/result).
//
//	load idle    -addr 127.0.0.1:3000 -pid 123 -n 10000
//	load fanout  -addr … -pid … -n 1000 -inflight 16
//	load fanout  -addr … -pid … -n 1000 -rate 500
//	load acks    -addr … -pid … -n 100 -inflight 4
//	load connects -addr … -pid … -workers 32
//	load hostile -addr … -pid … -kind flood
//
// One thread does everything: sockets are non-blocking and watched by epoll, frames are
// made and parsed by hand in buffers that are used again, so that no message allocates.
// It runs on Linux only.
package main
