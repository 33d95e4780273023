-- +goose Up

-- One that was deleted keeps its row, without a value: versions go on from there.
CREATE TABLE documents (
  name       TEXT PRIMARY KEY,
  value      TEXT, -- JSON
  version    INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
