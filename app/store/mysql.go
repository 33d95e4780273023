package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/pressly/goose/v3"
)

const mysqlScheme = "mysql://"

func isMySQL(source string) bool { return strings.HasPrefix(source, mysqlScheme) }

// mysqlConfig reads mysql://user:password@host:port/name, and behind it ?tls=… as the driver
// has it, or ?socket=/path in place of a host. Errors repeat nothing of it: a password with
// signs that were not escaped may be anywhere in it.
func mysqlConfig(source string) (*mysql.Config, error) {
	u, err := url.Parse(source)
	if err != nil {
		return nil, errors.New("the database's URL cannot be read: mysql://user:password@host:port/name")
	}
	c := mysql.NewConfig()
	c.Net = "tcp"
	c.Addr = u.Host
	if u.Port() == "" {
		c.Addr = net.JoinHostPort(u.Hostname(), "3306")
	}
	if socket := u.Query().Get("socket"); socket != "" {
		c.Net, c.Addr = "unix", socket
	}
	c.User = u.User.Username()
	c.Passwd, _ = u.User.Password()
	c.DBName = strings.Trim(u.Path, "/")
	switch c.TLSConfig = u.Query().Get("tls"); c.TLSConfig {
	case "", "true", "false", "skip-verify", "preferred":
	default:
		return nil, errors.New("the database's URL has an unknown value of tls: there are true, false, skip-verify and preferred")
	}
	for name := range u.Query() {
		if name != "tls" && name != "socket" {
			return nil, errors.New("the database's URL has an unknown parameter: there are tls and socket")
		}
	}
	if c.DBName == "" {
		return nil, errors.New("the database's URL does not name a database: mysql://user:password@host:port/name")
	}
	c.Collation = "utf8mb4_bin"
	c.ClientFoundRows = true // an UPDATE that changes nothing has found its row
	c.InterpolateParams = true
	c.RejectReadOnly = true // after a fail-over: connect anew, to the one that writes
	c.Params = map[string]string{
		// Strict, so that what does not fit is refused; READ COMMITTED, so that locks are on
		// rows and not on the gaps between.
		"sql_mode":                 "'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'",
		"time_zone":                "'+00:00'",
		"innodb_lock_wait_timeout": "5",
		"tx_isolation":             "'READ-COMMITTED'",
	}
	return c, nil
}

func (db *DB) openMySQL(ctx context.Context, source string, o Options) (err error) {
	config, err := mysqlConfig(source)
	if err != nil {
		return err
	}
	config.Timeout = o.Timeout
	config.ReadTimeout = o.Timeout
	config.WriteTimeout = o.Timeout
	config.Logger = mysql.Logger(silent{})
	version, err := mysqlVersion(ctx, config)
	if err != nil {
		return fmt.Errorf("%s: %w", config.Addr, err)
	}
	folder := "mysql"
	db.dialect = dialect{name: "MySQL " + version, kind: kindMySQL, forUpdate: " FOR UPDATE"}
	if strings.Contains(version, "MariaDB") {
		db.dialect.name, db.dialect.kind = "MariaDB "+version, kindMariaDB
		folder = "mariadb"
	} else { // the variable's name since 8.0
		delete(config.Params, "tx_isolation")
		config.Params["transaction_isolation"] = "'READ-COMMITTED'"
	}
	if err := migrateServer(ctx, config, folder); err != nil {
		return fmt.Errorf("%s: %w", config.Addr, err)
	}
	pool, err := mysqlPool(config)
	if err != nil {
		return err
	}
	if o.MaxConnections <= 0 {
		o.MaxConnections = 16
	}
	pool.SetMaxOpenConns(o.MaxConnections)
	pool.SetMaxIdleConns(o.MaxConnections)
	pool.SetConnMaxIdleTime(time.Minute) // servers end those that are idle for minutes
	db.reads = pool
	db.writes = &direct{pool, &db.dialect, o.Timeout}
	db.close = db.writes.close
	return nil
}

func mysqlPool(config *mysql.Config) (*sql.DB, error) {
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

// mysqlVersion asks a server what it is, before anything is assumed of it.
func mysqlVersion(ctx context.Context, config *mysql.Config) (version string, err error) {
	plain := config.Clone()
	plain.Params = nil
	pool, err := mysqlPool(plain)
	if err != nil {
		return "", err
	}
	defer pool.Close()
	err = pool.QueryRowContext(ctx, `SELECT VERSION()`).Scan(&version)
	return version, err
}

// Bounds of bringing a server's schema up to date: of waiting for another program that does
// so, and of one statement, which may rewrite a table.
const (
	migrationWait = 2 * time.Minute
	migrationStep = 30 * time.Minute
)

// migrateServer brings the schema up to date while it holds a lock that all programs of one
// database share. It has connections of its own: those of every day are not so patient.
func migrateServer(ctx context.Context, config *mysql.Config, folder string) error {
	patient := config.Clone()
	patient.ReadTimeout = migrationStep
	pool, err := mysqlPool(patient)
	if err != nil {
		return err
	}
	defer pool.Close()
	c, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close() // which gives the lock back as well
	// Locks belong to the whole server, and their names are bounded.
	var got sql.NullInt64
	if err := c.QueryRowContext(ctx, `SELECT GET_LOCK(CONCAT('kachi-', LEFT(SHA2(DATABASE(), 256), 32)), ?)`, int(migrationWait.Seconds())).Scan(&got); err != nil {
		return err
	}
	if got.Int64 != 1 {
		return fmt.Errorf("another program has been bringing the database up to date for %v: try again later", migrationWait)
	}
	return migrate(ctx, pool, goose.DialectMySQL, folder)
}

// silent drops what the driver says of broken connections: the errors say it as well.
type silent struct{}

func (silent) Print(...any) {}
