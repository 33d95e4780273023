package mysqlserver_test

import (
	"database/sql"
	"fmt"
	"net"
	"testing"

	"github.com/go-sql-driver/mysql"
	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/mariadbtest"
	"github.com/kachi-io/kachi/internal/mysqlserver"
	"github.com/kachi-io/kachi/internal/mysqltest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(mysqlserver.Main{M: m})
}

// software is what one of the packages that know a program gives to tests.
type software struct {
	name     string
	New      func(testing.TB) *mysqlserver.Server
	Database func(testing.TB) string
}

// each runs a test on all software that is there.
func each(t *testing.T, test func(t *testing.T, its software)) {
	t.Helper()
	t.Run("MariaDB", func(t *testing.T) { test(t, software{"MariaDB", mariadbtest.New, mariadbtest.Database}) })
	if mysqltest.Installed() {
		t.Setenv(mysqltest.Variable, "") // the one that is installed
		t.Run("MySQL", func(t *testing.T) { test(t, software{"MySQL", mysqltest.New, mysqltest.Database}) })
	}
}

func TestDatabasesAreFreshAndApart(t *testing.T) {
	each(t, func(t *testing.T, its software) {
		one, other := its.Database(t), its.Database(t)
		assert.True(t, one != other)
		db := open(t, one)
		exec1(t, db, "CREATE TABLE a (id BIGINT PRIMARY KEY)")
		var tables int
		query := "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE()"
		assert.NoError(t, open(t, other).QueryRow(query).Scan(&tables))
		assert.Equal(t, tables, 0)

		config, err := mysql.ParseDSN(one)
		assert.NoError(t, err)
		_, err = open(t, other).Exec("SELECT * FROM " + config.DBName + ".a")
		assert.Equal(t, number(t, err), uint16(1142)) // ER_TABLEACCESS_DENIED_ERROR
	})
}

func TestADatabaseGoesWithItsTest(t *testing.T) {
	each(t, func(t *testing.T, its software) {
		its.Database(t) // or this test is skipped, and not only the one inside
		var dsn string
		var forgotten *sql.Tx
		t.Run("uses one", func(t *testing.T) {
			dsn = its.Database(t)
			db, err := sql.Open("mysql", dsn)
			assert.NoError(t, err)
			exec1(t, db, "CREATE TABLE a (id BIGINT PRIMARY KEY)")
			forgotten, err = db.Begin()
			assert.NoError(t, err)
			_, err = forgotten.Exec("INSERT INTO a VALUES (1)") // the table is held from now on
			assert.NoError(t, err)
			assert.NoError(t, db.Close())
		})
		assert.True(t, forgotten.Rollback() != nil, "its connection was ended")
		_, err := open(t, dsn).Exec("SELECT 1")
		assert.Equal(t, number(t, err), uint16(1045)) // ER_ACCESS_DENIED_ERROR
	})
}

func TestNobodyGetsInWithoutAPassword(t *testing.T) {
	each(t, func(t *testing.T, its software) {
		s := its.New(t)
		for _, user := range []string{"root", "admin", "mysql", "mariadb.sys", "mysql.sys", "mysql.session", ""} {
			_, err := open(t, user+"@tcp("+s.Addr()+")/").Exec("SELECT 1")
			n := number(t, err)
			assert.True(t, n == 1045 || n == 4151 || n == 3118, fmt.Sprintf("%q: %v", user, err)) // denied, or locked
		}
	})
}

func TestWhatWasCommittedSurvives(t *testing.T) {
	each(t, func(t *testing.T, its software) {
		s := its.New(t)
		db := open(t, s.Database(t))
		exec1(t, db, "CREATE TABLE a (id BIGINT PRIMARY KEY)")
		addr := s.Addr()
		for i, end := range []func(testing.TB){s.Stop, s.Kill} {
			exec1(t, db, fmt.Sprintf("INSERT INTO a VALUES (%d)", i))
			end(t)
			end(t) // and nothing happens
			_, err := db.Exec("SELECT 1")
			assert.True(t, err != nil, "the server is gone")
			_, err = net.Dial("tcp", addr)
			assert.True(t, err != nil, "nobody listens")
			s.Start(t)
			s.Start(t)
			assert.Equal(t, s.Addr(), addr)
			var count int
			assert.NoError(t, db.QueryRow("SELECT COUNT(*) FROM a").Scan(&count), s.Log())
			assert.Equal(t, count, i+1)
		}
	})
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
