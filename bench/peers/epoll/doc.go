// Command epoll is the physical limit: one thread, epoll, canned answers, and as little
// work as the contract of bench/server allows. It is no server for anything else: it
// believes every client, reads each frame where it lies, and copies what it was sent.
//
// By default each member of the room is written to once for each message, what a
// server does that writes as it goes. With -gather each turn of the loop writes to each
// member once, whatever has come for it: what a server can reach that lets messages
// gather.
package main
