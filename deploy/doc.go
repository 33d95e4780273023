// Package deploy holds what it takes to run the server: an image, compose and Kubernetes files,
// nginx, systemd. docs/deploy.md explains it; the tests hold it to the server.
package deploy
