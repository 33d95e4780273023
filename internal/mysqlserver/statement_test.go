package mysqlserver_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
)

func TestStatementFacts(t *testing.T) {
	each(t, func(t *testing.T, its software) {
		db := open(t, its.Database(t))
		exec1(t, db, "CREATE TABLE a (id BIGINT AUTO_INCREMENT PRIMARY KEY, k VARCHAR(20) UNIQUE, n INT)")

		// RETURNING of an upsert is of the row that was there.
		returns := func(statement string) (n int) {
			t.Helper()
			err := db.QueryRow(statement).Scan(&n)
			if its.name == "MySQL" { // which has none
				assert.Equal(t, number(t, err), uint16(1064), statement)
				exec1(t, db, strings.TrimSuffix(statement, " RETURNING n"))
				return 0
			}
			assert.NoError(t, err, statement)
			return n
		}
		returns("INSERT INTO a (k, n) VALUES ('a', 1) RETURNING n")
		var id int
		assert.NoError(t, db.QueryRow("SELECT id FROM a").Scan(&id))
		n := returns("INSERT INTO a (k, n) VALUES ('a', 5) ON DUPLICATE KEY UPDATE n = n + VALUES(n) RETURNING n")
		assert.Equal(t, fmt.Sprint(n), its.either("6", "0"))
		returns("REPLACE INTO a (k, n) VALUES ('b', 1) RETURNING n")
		returns("DELETE FROM a WHERE k = 'b' RETURNING n")
		fails(t, db, 1064, "UPDATE a SET n = 1 RETURNING n")
		its.does(t, db, 1064, 0, "INSERT INTO a (k, n) VALUES ('a', 5) AS new ON DUPLICATE KEY UPDATE n = new.n")

		// How many rows an upsert affects says what it did.
		for _, test := range []struct {
			statement string
			want      int64
		}{
			{"INSERT INTO a (k, n) VALUES ('c', 1) ON DUPLICATE KEY UPDATE n = VALUES(n)", 1},
			{"INSERT INTO a (k, n) VALUES ('c', 2) ON DUPLICATE KEY UPDATE n = VALUES(n)", 2},
			{"INSERT INTO a (k, n) VALUES ('c', 2) ON DUPLICATE KEY UPDATE n = VALUES(n)", 0},
		} {
			result, err := db.Exec(test.statement)
			assert.NoError(t, err)
			affected, err := result.RowsAffected()
			assert.NoError(t, err)
			assert.Equal(t, affected, test.want, test.statement)
		}
		// The id of an upsert's row, and what it costs: each took a number that nobody has.
		result, err := db.Exec("INSERT INTO a (k, n) VALUES ('a', 9) ON DUPLICATE KEY UPDATE id = LAST_INSERT_ID(id), n = 9")
		assert.NoError(t, err)
		last, err := result.LastInsertId()
		assert.NoError(t, err)
		assert.Equal(t, last, int64(id))
		result, err = db.Exec("INSERT INTO a (k) VALUES ('d')")
		assert.NoError(t, err)
		last, err = result.LastInsertId()
		assert.NoError(t, err)
		assert.True(t, last > 4, "numbers are left out")

		its.does(t, db, 1064, 0, "DO (SELECT COUNT(*) FROM a FOR SHARE)")
		exec1(t, db, "DO (SELECT COUNT(*) FROM a LOCK IN SHARE MODE)")
		its.does(t, db, 1273, 0, "CREATE TABLE newer (t TEXT COLLATE utf8mb4_0900_ai_ci)")
		exec1(t, db, "CREATE TABLE j (v JSON)")
		its.does(t, db, 4025, 3140, "INSERT INTO j VALUES ('{')") // in MariaDB it is LONGTEXT with a CHECK
		its.does(t, db, 1064, 0, "DO (SELECT v->'$.a' FROM j)")
		its.does(t, db, 0, 1064, "ALTER TABLE j ADD COLUMN IF NOT EXISTS n INT")
		its.does(t, db, 0, 1064, "CREATE INDEX IF NOT EXISTS by_n ON a (n)")
		its.does(t, db, 0, 1193, "SET tx_isolation = 'READ-COMMITTED'")
		assert.Equal(t, answer(t, db, "LEFT(SHA2('a', 256), 8)"), "ca978112")
		if md5 := answer(t, db, "MD5('a')"); md5 != "0cc175b9c0f1b6a831c399e269772661" {
			assert.Equal(t, md5, its.either("", "error 1305"), "gone since MySQL 9.6")
		}

		// An administrator's database has the server's character set, not ours to choose.
		assert.Equal(t, answer(t, db, "@@character_set_database"), its.either("latin1", "utf8mb4"))
		exec1(t, db, "CREATE TABLE old (t VARCHAR(9))")
		its.does(t, db, 1366, 0, "INSERT INTO old VALUES ('🙂')")
		assert.Equal(t, answer(t, db, "@@max_allowed_packet >> 20"), its.either("16", "64"))
		// Trailing spaces do not count in keys, unless the collation is one without padding.
		exec1(t, db, "CREATE TABLE padded (t VARCHAR(9) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin UNIQUE)")
		exec1(t, db, "INSERT INTO padded VALUES ('a'), ('A')")
		fails(t, db, 1062, "INSERT INTO padded VALUES ('a ')")
		exec1(t, db, "CREATE TABLE bytes (t VARBINARY(9) UNIQUE)")
		exec1(t, db, "INSERT INTO bytes VALUES ('a'), ('A'), ('a ')")
		fails(t, db, 1071, "CREATE TABLE no (t VARCHAR(769) CHARACTER SET utf8mb4, KEY (t(769)), PRIMARY KEY (t))") // 3072 bytes are the most

		// DDL commits what is open.
		tx, err := db.Begin()
		assert.NoError(t, err)
		_, err = tx.Exec("INSERT INTO a (k) VALUES ('e')")
		assert.NoError(t, err)
		_, err = tx.Exec("CREATE TABLE other (id INT)")
		assert.NoError(t, err)
		assert.NoError(t, tx.Rollback())
		var count int
		assert.NoError(t, db.QueryRow("SELECT COUNT(*) FROM a WHERE k = 'e'").Scan(&count))
		assert.Equal(t, count, 1)
	})
}

func TestErrorNumbers(t *testing.T) {
	each(t, func(t *testing.T, its software) {
		s := its.New(t)
		db := open(t, s.Database(t))
		exec1(t, db, "CREATE TABLE parent (id INT PRIMARY KEY)")
		exec1(t, db, `CREATE TABLE a (id INT PRIMARY KEY, t VARCHAR(3) NOT NULL, n INT CHECK (n > 0),
			p INT, FOREIGN KEY (p) REFERENCES parent (id))`)
		exec1(t, db, "INSERT INTO parent VALUES (1)")
		exec1(t, db, "INSERT INTO a VALUES (1, 'abc', 1, 1)")
		check, slow, slowly := uint16(4025), uint16(1969), "SET STATEMENT max_statement_time=0.01 FOR SELECT COUNT(*) FROM seq_1_to_20000 a, seq_1_to_20000 b WHERE a.seq * b.seq = 0"
		if its.name == "MySQL" {
			check, slow, slowly = 3819, 3024, `SELECT /*+ MAX_EXECUTION_TIME(1) */ COUNT(*)
				FROM information_schema.columns a, information_schema.columns b, information_schema.columns c`
		}
		for statement, want := range map[string]uint16{
			"INSERT INTO a VALUES (1, 'abc', 1, 1)":           1062,  // ER_DUP_ENTRY
			"INSERT INTO a VALUES (2, NULL, 1, 1)":            1048,  // ER_BAD_NULL_ERROR
			"INSERT INTO a VALUES (2, 'long', 1, 1)":          1406,  // ER_DATA_TOO_LONG
			"INSERT INTO a VALUES (2, 'abc', 0, 1)":           check, // ER_CONSTRAINT_FAILED, ER_CHECK_CONSTRAINT_VIOLATED
			"INSERT INTO a VALUES (2, 'abc', 1, 2)":           1452,  // ER_NO_REFERENCED_ROW_2
			"DELETE FROM parent":                              1451,  // ER_ROW_IS_REFERENCED_2
			"INSERT INTO a VALUES (2, 'abc', 99999999999, 1)": 1264,  // ER_WARN_DATA_OUT_OF_RANGE
			"SELECT * FROM nowhere":                           1146,  // ER_NO_SUCH_TABLE
			"SELECT nothing FROM a":                           1054,  // ER_BAD_FIELD_ERROR
			"CREATE TABLE a (id INT)":                         1050,  // ER_TABLE_EXISTS_ERROR
			slowly:                                            slow,  // ER_STATEMENT_TIMEOUT, ER_QUERY_TIMEOUT
		} {
			fails(t, db, want, statement)
		}
		tx, err := db.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true})
		assert.NoError(t, err)
		_, err = tx.Exec("DELETE FROM a")
		assert.Equal(t, number(t, err), uint16(1792)) // ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION
		assert.NoError(t, tx.Rollback())

		admin := open(t, s.Admin())
		exec1(t, admin, "SET GLOBAL read_only = 1")
		fails(t, db, 1290, "DELETE FROM a") // ER_OPTION_PREVENTS_STATEMENT
		exec1(t, admin, "SET GLOBAL read_only = 0")

		exec1(t, admin, "SET GLOBAL max_connections = 10") // the fewest that it takes
		var conns []*sql.Conn
		defer func() {
			for _, conn := range conns {
				assert.NoError(t, conn.Close())
			}
			assert.Eventually(t, func() bool { // it notices a moment later
				_, err := admin.Exec("SET GLOBAL max_connections = 100")
				return err == nil
			})
		}()
		for range 11 {
			var conn *sql.Conn
			if conn, err = db.Conn(t.Context()); err != nil {
				break
			}
			conns = append(conns, conn)
		}
		assert.Equal(t, number(t, err), uint16(1040)) // ER_CON_COUNT_ERROR
	})
}
