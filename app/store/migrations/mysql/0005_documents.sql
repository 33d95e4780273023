-- +goose Up

-- One that was deleted keeps its row, without a value: versions go on from there.
CREATE TABLE documents (
  name       VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin PRIMARY KEY,
  value      MEDIUMTEXT, -- JSON
  version    BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
