//go:build race

package main

// The server under the browsers is built as the tests are.
var buildFlags = []string{"-race"}
