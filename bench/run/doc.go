// Command run starts this project's server and its peers in turn, puts the same load on
// each (bench/load), and writes medians and ratios to bench/results. It is what
// `make bench` and `make bench-quick` start; bench/README.md says how to read the result.
package main
