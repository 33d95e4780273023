package store

// dialect is what differs between the databases, beside the schema.
type dialect struct {
	name string // for people: "SQLite 3.51.0", "MariaDB 10.11.6"
	kind kind
	// forUpdate ends a SELECT whose rows are to stay as they are until the transaction ends.
	// SQLite has one writer at a time anyway.
	forUpdate string
}

type kind int

const (
	kindSQLite kind = iota
	kindMariaDB
	kindMySQL
)

// either is a statement that the databases spell differently.
func (d *dialect) either(sqlite, mysql string) string {
	if d.kind == kindSQLite {
		return sqlite
	}
	return mysql
}
