package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"strings"
	"testing/fstest"

	"github.com/pressly/goose/v3"
)

// The schema, as steps that are never changed once they are released: a new step changes
// what an old one made. A file is one step; its name begins with its number, and a folder
// has the same numbers as the other. MySQL and MariaDB share theirs, in which words in
// braces stand for what only one of them knows.
//
//go:embed migrations
var migrations embed.FS

// spelling is how a database spells what stands in braces in migrations/mysql.
var spelling = map[string]*strings.Replacer{
	"mariadb": strings.NewReplacer(" {SRID}", "", " {PLANE}", ""),
	"mysql":   strings.NewReplacer("{SRID}", "SRID 4326", "{PLANE}", "SRID 0"),
}

func steps(folder string) (fs.FS, error) {
	words, ok := spelling[folder]
	if !ok {
		return fs.Sub(migrations, "migrations/"+folder)
	}
	spelled := fstest.MapFS{}
	files, err := fs.Glob(migrations, "migrations/mysql/*.sql")
	for _, name := range files {
		text, failed := migrations.ReadFile(name)
		if failed != nil {
			return nil, failed
		}
		spelled[strings.TrimPrefix(name, "migrations/mysql/")] = &fstest.MapFile{Data: []byte(words.Replace(string(text)))}
	}
	return spelled, err
}

// migrate runs the steps that a database has not seen. One that has seen steps that this
// program does not know belongs to a newer one, and is left alone.
func migrate(ctx context.Context, pool *sql.DB, dialect goose.Dialect, folder string) error {
	files, err := steps(folder)
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(dialect, pool, files, goose.WithTableName("schema_steps"), goose.WithVerbose(false))
	if err != nil {
		return err
	}
	have, know, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("the schema's version: %w", err)
	}
	if have > know {
		return fmt.Errorf("the database was brought to step %d by a newer program; this one knows %d steps", have, know)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("the schema: %w", err)
	}
	return nil
}
