-- +goose Up

CREATE TABLE rooms (
  id         BIGINT PRIMARY KEY AUTO_INCREMENT,
  name       VARCHAR(100) NOT NULL,
  private    TINYINT NOT NULL,
  owner_id   BIGINT NOT NULL,
  last_seq   BIGINT NOT NULL, -- of the messages
  members    BIGINT NOT NULL, -- how many
  created_at BIGINT NOT NULL,
  KEY rooms_open (private, id),
  KEY rooms_by_owner (owner_id, id),
  FOREIGN KEY (owner_id) REFERENCES users (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE room_members (
  user_id   BIGINT NOT NULL,
  room_id   BIGINT NOT NULL,
  seen_seq  BIGINT NOT NULL, -- up to which message the user has seen the room
  joined_at BIGINT NOT NULL,
  PRIMARY KEY (user_id, room_id),
  KEY room_members_by_room (room_id, user_id),
  FOREIGN KEY (user_id) REFERENCES users (id),
  FOREIGN KEY (room_id) REFERENCES rooms (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- A room's messages are numbered from 1 without a gap. They survive their room for a while:
-- a million of them is not removed in one step. What clients call them is bytes, since texts
-- are compared without the spaces at their end.
CREATE TABLE messages (
  id         BIGINT PRIMARY KEY AUTO_INCREMENT,
  room_id    BIGINT NOT NULL,
  seq        BIGINT NOT NULL,
  sender_id  BIGINT NOT NULL,
  client_id  VARBINARY(64),       -- what the sender calls the message
  body       VARCHAR(2000) NOT NULL, -- empty when it was deleted
  sent_at    BIGINT NOT NULL,
  edited_at  BIGINT NOT NULL,     -- 0: never
  deleted_at BIGINT NOT NULL,     -- 0: not
  version    BIGINT NOT NULL,     -- counts changes, from 1
  UNIQUE KEY messages_by_seq (room_id, seq),
  UNIQUE KEY messages_by_client (room_id, sender_id, client_id),
  FOREIGN KEY (sender_id) REFERENCES users (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Rooms that are no more, and whose messages are still to be removed.
CREATE TABLE removed_rooms (
  id BIGINT PRIMARY KEY
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
