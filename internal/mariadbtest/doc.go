// Package mariadbtest runs real MariaDB servers for tests: one that all tests of a
// process share, for databases of their own, and servers that a test may stop, kill and
// start again.
//
// The servers listen on the loopback interface only and live in temporary folders. They
// end with the test process, also on Linux when that is killed; the folders that a killed
// process left are removed by the next one. They need mariadbd: without it the tests fail,
// and with -short they are skipped.
package mariadbtest
