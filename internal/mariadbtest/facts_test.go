package mariadbtest_test

import (
	"database/sql"
	"testing"

	"github.com/go-sql-driver/mysql"
	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/mysqlserver"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(mysqlserver.Main{M: m})
}

// open returns connections that end with the test.
func open(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	config, err := mysql.ParseDSN(dsn)
	assert.NoError(t, err)
	config.Logger = &mysql.NopLogger{}
	connector, err := mysql.NewConnector(config)
	assert.NoError(t, err)
	db := sql.OpenDB(connector)
	t.Cleanup(func() { _ = db.Close() }) // an error of a connection that the server ended
	return db
}

func exec1(t testing.TB, db *sql.DB, statement string, args ...any) {
	t.Helper()
	_, err := db.Exec(statement, args...)
	assert.NoError(t, err, statement)
}

// number returns the server's number of the error.
func number(t testing.TB, err error) uint16 {
	t.Helper()
	return assert.ErrorAs[*mysql.MySQLError](t, err).Number
}
