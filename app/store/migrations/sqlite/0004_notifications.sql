-- +goose Up

-- What a person has of notifications. Whoever changes them holds this row.
CREATE TABLE notification_boxes (
  user_id INTEGER PRIMARY KEY REFERENCES users (id),
  version INTEGER NOT NULL, -- counts the changes
  kept    INTEGER NOT NULL,
  unread  INTEGER NOT NULL
) STRICT;

CREATE TABLE notifications (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id    INTEGER NOT NULL REFERENCES users (id),
  title      TEXT NOT NULL,
  body       TEXT NOT NULL,
  data       TEXT,        -- JSON
  request    BLOB UNIQUE, -- who asked for it, so that a retry is known: a SHA-256
  created_at INTEGER NOT NULL,
  read_at    INTEGER
) STRICT;
CREATE INDEX notifications_by_user ON notifications (user_id, id);
CREATE INDEX notifications_by_reading ON notifications (user_id, read_at, id);
CREATE INDEX notifications_by_age ON notifications (created_at, user_id);
