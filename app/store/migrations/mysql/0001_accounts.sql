-- +goose Up

-- One row, which is written to in order to see whether that is possible.
CREATE TABLE readiness (
  id       BIGINT PRIMARY KEY,
  asked_at BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
INSERT INTO readiness (id, asked_at) VALUES (1, 0);

CREATE TABLE users (
  id         BIGINT PRIMARY KEY AUTO_INCREMENT,
  name       VARCHAR(64) NOT NULL,
  name_key   VARCHAR(191) NOT NULL UNIQUE, -- the name as it is compared
  password   VARCHAR(255) NOT NULL,        -- a hash, in PHC form
  role       VARCHAR(16) NOT NULL,
  created_at BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- A family is what one sign-in began: each refresh replaces its token.
CREATE TABLE token_families (
  id         VARCHAR(64) PRIMARY KEY,
  user_id    BIGINT NOT NULL,
  token      BINARY(32) NOT NULL, -- SHA-256 of the one that is good
  previous   BINARY(32),          -- of the one before it
  rotated_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  KEY token_families_by_user (user_id),
  KEY token_families_by_end (expires_at),
  FOREIGN KEY (user_id) REFERENCES users (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE revocations (
  name    VARCHAR(191) PRIMARY KEY, -- "key:…" or "token:…"
  at      BIGINT NOT NULL,
  ends_at BIGINT NOT NULL,
  KEY revocations_by_end (ends_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
