-- +goose Up

-- What a person has of notifications. Whoever changes them holds this row.
CREATE TABLE notification_boxes (
  user_id BIGINT PRIMARY KEY,
  version BIGINT NOT NULL, -- counts the changes
  kept    BIGINT NOT NULL,
  unread  BIGINT NOT NULL,
  FOREIGN KEY (user_id) REFERENCES users (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE notifications (
  id         BIGINT PRIMARY KEY AUTO_INCREMENT,
  user_id    BIGINT NOT NULL,
  title      TEXT NOT NULL,
  body       TEXT NOT NULL,
  data       TEXT,              -- JSON
  request    BINARY(32) UNIQUE, -- who asked for it, so that a retry is known: a SHA-256
  created_at BIGINT NOT NULL,
  read_at    BIGINT,
  KEY notifications_by_user (user_id, id),
  KEY notifications_by_reading (user_id, read_at, id),
  KEY notifications_by_age (created_at, user_id),
  FOREIGN KEY (user_id) REFERENCES users (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
