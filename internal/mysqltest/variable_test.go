package mysqltest_test

import (
	"database/sql"
	"net"
	"testing"

	"github.com/go-sql-driver/mysql"
	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/mariadbtest"
	"github.com/kachi-io/kachi/internal/mysqlserver"
	"github.com/kachi-io/kachi/internal/mysqltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(mysqlserver.Main{M: m}) }

func TestDatabaseIsMadeInTheServerThatIsNamed(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv(mysqltest.Variable, "")
	assert.True(t, !mysqltest.Present(), "none is installed or named")

	t.Setenv(mysqltest.Variable, mariadbtest.New(t).Admin())
	assert.True(t, mysqltest.Present())
	assert.True(t, !mysqltest.Installed(), "it is not for us to start and to stop")
	dsn := mysqltest.Database(t)
	config, err := mysql.ParseDSN(dsn)
	assert.NoError(t, err)
	db, err := sql.Open("mysql", dsn)
	assert.NoError(t, err)
	defer db.Close()
	var database, user string
	assert.NoError(t, db.QueryRow("SELECT DATABASE(), SUBSTRING_INDEX(USER(), '@', 1)").Scan(&database, &user))
	assert.Equal(t, []string{database, user}, []string{config.DBName, config.User})
	_, err = db.Exec("CREATE DATABASE another")
	assert.Equal(t, assert.ErrorAs[*mysql.MySQLError](t, err).Number, uint16(1044)) // ER_DBACCESS_DENIED_ERROR
}

// failing is a test whose end is looked at from outside.
type failing struct{ testing.TB }

type failure struct{ args []any }

func (failing) Fatalf(_ string, args ...any) { panic(failure{args}) }

func TestAServerThatIsNamedMustAnswer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	assert.NoError(t, l.Close())
	t.Setenv(mysqltest.Variable, "root@tcp("+l.Addr().String()+")/")
	defer func() {
		f, ok := recover().(failure)
		assert.True(t, ok && len(f.args) == 2, "the test failed")
		err, _ := f.args[1].(error)
		assert.ErrorAs[*net.OpError](t, err)
	}()
	mysqltest.Database(failing{t})
}
