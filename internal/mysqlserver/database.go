package mysqlserver

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// Create makes a database with a user of its own who may do everything in it and nothing
// beside it, and returns that user's data source name. The database has the server's
// character set, whatever that is, as an administrator's CREATE DATABASE has. Both are
// dropped when the test ends; connections of the user that are still open then are
// closed.
//
// admin is the data source name of a user who may create both.
func Create(t testing.TB, admin string) string {
	t.Helper()
	config, err := mysql.ParseDSN(admin)
	if err != nil {
		t.Fatal(err)
	}
	db, err := open(config)
	if err != nil {
		t.Fatal(err)
	}
	name := "kachi" + strings.ToLower(rand.Text()[:16]) // 32 characters are the most for a user in MySQL
	password := rand.Text()
	err = run(db,
		"CREATE DATABASE "+name,
		"CREATE USER "+name+"@'%' IDENTIFIED BY '"+password+"'",
		"GRANT ALL ON "+name+".* TO "+name+"@'%'",
	)
	if err != nil {
		_ = db.Close()
		t.Fatalf("%s: %v", config.Addr, err)
	}
	t.Cleanup(func() {
		if err := errors.Join(drop(db, name), db.Close()); err != nil {
			t.Errorf("%s: %v", config.Addr, err)
		}
	})
	own := mysql.NewConfig()
	own.Net, own.Addr, own.User, own.Passwd, own.DBName = config.Net, config.Addr, name, password, name
	own.TLSConfig = config.TLSConfig
	return own.FormatDSN()
}

// open bounds what waits for the server.
func open(config *mysql.Config) (*sql.DB, error) {
	config = config.Clone()
	config.Timeout, config.ReadTimeout, config.WriteTimeout = 10*time.Second, patience, patience
	config.Logger = &mysql.NopLogger{}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	db.SetMaxIdleConns(0) // nothing is open, nor runs, between the calls
	return db, nil
}

func run(db *sql.DB, statements ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, statement := range statements {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			verb, _, _ := strings.Cut(statement, " ")
			return fmt.Errorf("%s: %w", verb, err)
		}
	}
	return nil
}

// drop also ends the user's connections: a transaction that one of them left open would
// keep the database from being dropped.
func drop(db *sql.DB, name string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	rows, err := db.QueryContext(ctx, "SELECT id FROM information_schema.processlist WHERE user = '"+name+"'")
	if err != nil {
		return err
	}
	var open []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return errors.Join(err, rows.Close())
		}
		open = append(open, id)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for _, id := range open {
		_, err := db.ExecContext(ctx, fmt.Sprintf("KILL %d", id))
		var gone *mysql.MySQLError
		if err != nil && !(errors.As(err, &gone) && gone.Number == noSuchThread) {
			return err
		}
	}
	return run(db, "DROP USER "+name+"@'%'", "DROP DATABASE "+name)
}

// noSuchThread is ER_NO_SUCH_THREAD: the connection has just ended by itself.
const noSuchThread = 1094
