-- +goose Up

CREATE TABLE locations (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  owner_id   INTEGER NOT NULL REFERENCES users (id),
  name       TEXT NOT NULL,
  -- WKB, longitude first: a point, a line or a polygon, the numbers little endian.
  place      BLOB NOT NULL CHECK (substr(place, 1, 5) IN (x'0101000000', x'0102000000', x'0103000000')),
  -- What the place reaches over, exactly.
  west       REAL NOT NULL,
  south      REAL NOT NULL,
  east       REAL NOT NULL,
  north      REAL NOT NULL,
  version    INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX locations_by_owner ON locations (owner_id);

-- The same as 32-bit numbers, which the R*Tree rounds outwards: what it finds is looked at
-- again.
CREATE VIRTUAL TABLE location_boxes USING rtree (id, west, east, south, north);

-- +goose StatementBegin
CREATE TRIGGER locations_added AFTER INSERT ON locations BEGIN
  INSERT INTO location_boxes (id, west, east, south, north) VALUES (new.id, new.west, new.east, new.south, new.north);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER locations_moved AFTER UPDATE OF west, south, east, north ON locations BEGIN
  UPDATE location_boxes SET west = new.west, east = new.east, south = new.south, north = new.north WHERE id = new.id;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER locations_deleted AFTER DELETE ON locations BEGIN
  DELETE FROM location_boxes WHERE id = old.id;
END;
-- +goose StatementEnd

-- Who may watch a location beside its owner.
CREATE TABLE location_watchers (
  location_id INTEGER NOT NULL REFERENCES locations (id),
  user_id     INTEGER NOT NULL REFERENCES users (id),
  granted_at  INTEGER NOT NULL,
  PRIMARY KEY (location_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX location_watchers_by_user ON location_watchers (user_id, location_id);
