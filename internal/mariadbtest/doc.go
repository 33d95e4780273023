// Package mariadbtest gives tests databases in MariaDB, and servers of their own (package
// mysqlserver). They need Debian's mariadbd: without it the tests fail, and with -short they
// are skipped.
package mariadbtest
