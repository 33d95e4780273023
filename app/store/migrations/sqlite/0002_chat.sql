-- +goose Up

CREATE TABLE rooms (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  name       TEXT NOT NULL,
  private    INTEGER NOT NULL,
  owner_id   INTEGER NOT NULL REFERENCES users (id),
  last_seq   INTEGER NOT NULL, -- of the messages
  members    INTEGER NOT NULL, -- how many
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX rooms_open ON rooms (private, id);
CREATE INDEX rooms_by_owner ON rooms (owner_id, id);

CREATE TABLE room_members (
  user_id   INTEGER NOT NULL REFERENCES users (id),
  room_id   INTEGER NOT NULL REFERENCES rooms (id),
  seen_seq  INTEGER NOT NULL, -- up to which message the user has seen the room
  joined_at INTEGER NOT NULL,
  PRIMARY KEY (user_id, room_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX room_members_by_room ON room_members (room_id, user_id);

-- A room's messages are numbered from 1 without a gap. They survive their room for a while:
-- a million of them is not removed in one step.
CREATE TABLE messages (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  room_id    INTEGER NOT NULL,
  seq        INTEGER NOT NULL,
  sender_id  INTEGER NOT NULL REFERENCES users (id),
  client_id  TEXT,             -- what the sender calls the message
  body       TEXT NOT NULL,    -- empty when it was deleted
  sent_at    INTEGER NOT NULL,
  edited_at  INTEGER NOT NULL, -- 0: never
  deleted_at INTEGER NOT NULL, -- 0: not
  version    INTEGER NOT NULL  -- counts changes, from 1
) STRICT;
CREATE UNIQUE INDEX messages_by_seq ON messages (room_id, seq);
CREATE UNIQUE INDEX messages_by_client ON messages (room_id, sender_id, client_id) WHERE client_id IS NOT NULL;

-- Rooms that are no more, and whose messages are still to be removed.
CREATE TABLE removed_rooms (
  id INTEGER PRIMARY KEY
) STRICT;
