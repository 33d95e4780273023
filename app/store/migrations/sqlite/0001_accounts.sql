-- +goose Up

-- One row, which is written to in order to see whether that is possible.
CREATE TABLE readiness (
  id       INTEGER PRIMARY KEY,
  asked_at INTEGER NOT NULL
) STRICT;
INSERT INTO readiness (id, asked_at) VALUES (1, 0);

CREATE TABLE users (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  name       TEXT NOT NULL,
  name_key   TEXT NOT NULL UNIQUE, -- the name as it is compared
  password   TEXT NOT NULL,        -- a hash, in PHC form
  role       TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

-- A family is what one sign-in began: each refresh replaces its token.
CREATE TABLE token_families (
  id         TEXT PRIMARY KEY,
  user_id    INTEGER NOT NULL REFERENCES users (id),
  token      BLOB NOT NULL, -- SHA-256 of the one that is good
  previous   BLOB,          -- of the one before it
  rotated_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX token_families_by_user ON token_families (user_id);
CREATE INDEX token_families_by_end ON token_families (expires_at);

CREATE TABLE revocations (
  name    TEXT PRIMARY KEY, -- "key:…" or "token:…"
  at      INTEGER NOT NULL,
  ends_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX revocations_by_end ON revocations (ends_at);
