// Package mysqlserver runs servers that speak MySQL's protocol for tests: one that all tests
// of a process share, for databases of their own, and servers that a test may stop, kill and
// start again. Packages mariadbtest and mysqltest know the programs.
//
// The servers listen on the loopback interface only and live in temporary folders. They
// end with the test process, also on Linux when that is killed; the folders that a killed
// process left are removed by the next one.
package mysqlserver
