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

// mysqlConfig reads mysql://user:password@host:port/name?tls=true.
func mysqlConfig(source string) (*mysql.Config, error) {
	u, err := url.Parse(source)
	if err != nil {
		return nil, errors.New("the database's URL cannot be read: mysql://user:password@host:port/name") // err has the password
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
	c.TLSConfig = u.Query().Get("tls")
	for name := range u.Query() {
		if name != "tls" && name != "socket" {
			return nil, fmt.Errorf("the database's URL has an unknown parameter %q: there are tls and socket", name)
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
	db.dialect = dialect{name: "MySQL " + version, kind: kindMySQL, forUpdate: " FOR UPDATE"}
	if strings.Contains(version, "MariaDB") {
		db.dialect.name, db.dialect.kind = "MariaDB "+version, kindMariaDB
	} else { // the variable's name since 8.0
		delete(config.Params, "tx_isolation")
		config.Params["transaction_isolation"] = "'READ-COMMITTED'"
	}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return err
	}
	pool := sql.OpenDB(connector)
	defer func() {
		if err != nil {
			_ = pool.Close()
		}
	}()
	if o.MaxConnections <= 0 {
		o.MaxConnections = 16
	}
	pool.SetMaxOpenConns(o.MaxConnections)
	pool.SetMaxIdleConns(o.MaxConnections)
	pool.SetConnMaxIdleTime(5 * time.Minute)

	folder := "mariadb"
	if db.dialect.kind == kindMySQL {
		folder = "mysql"
	}
	if err := migrateServer(ctx, pool, folder); err != nil {
		return err
	}
	db.reads = pool
	db.writes = &direct{pool, &db.dialect, o.Timeout}
	db.close = db.writes.close
	return nil
}

// mysqlVersion asks a server what it is, before anything is assumed of it.
func mysqlVersion(ctx context.Context, config *mysql.Config) (version string, err error) {
	plain := config.Clone()
	plain.Params = nil
	connector, err := mysql.NewConnector(plain)
	if err != nil {
		return "", err
	}
	pool := sql.OpenDB(connector)
	defer pool.Close()
	err = pool.QueryRowContext(ctx, `SELECT VERSION()`).Scan(&version)
	return version, err
}

// migrateServer brings the schema up to date while it holds a lock that all servers of one
// database share.
func migrateServer(ctx context.Context, pool *sql.DB, folder string) error {
	c, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	var got sql.NullInt64
	if err := c.QueryRowContext(ctx, `SELECT GET_LOCK(CONCAT('kachi-migrations-', DATABASE()), 60)`).Scan(&got); err != nil {
		return err
	}
	if got.Int64 != 1 {
		return errors.New("another server has been bringing the database up to date for a minute: try again later")
	}
	defer func() {
		_, _ = c.ExecContext(context.WithoutCancel(ctx), `DO RELEASE_LOCK(CONCAT('kachi-migrations-', DATABASE()))`)
	}()
	return migrate(ctx, pool, goose.DialectMySQL, folder)
}

// silent drops what the driver says of broken connections: the errors say it as well.
type silent struct{}

func (silent) Print(...any) {}
