-- +goose Up

CREATE TABLE locations (
  id         BIGINT PRIMARY KEY AUTO_INCREMENT,
  owner_id   BIGINT NOT NULL,
  name       VARCHAR(255) NOT NULL,
  place      GEOMETRY NOT NULL {SRID}, -- on the earth
  -- What the place reaches over, in the plane of longitudes and latitudes, where a box is
  -- what GeoJSON means by it. On MySQL's earth an edge goes the shorter way around.
  box        GEOMETRY NOT NULL {PLANE},
  version    BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  KEY locations_by_owner (owner_id),
  SPATIAL INDEX locations_by_box (box),
  FOREIGN KEY (owner_id) REFERENCES users (id),
  CHECK (ST_GeometryType(place) IN ('POINT', 'LINESTRING', 'POLYGON')),
  CHECK (ST_SRID(place) = 4326),
  CHECK (ST_SRID(box) = 0)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Who may watch a location beside its owner.
CREATE TABLE location_watchers (
  location_id BIGINT NOT NULL,
  user_id     BIGINT NOT NULL,
  granted_at  BIGINT NOT NULL,
  PRIMARY KEY (location_id, user_id),
  KEY location_watchers_by_user (user_id, location_id),
  FOREIGN KEY (location_id) REFERENCES locations (id),
  FOREIGN KEY (user_id) REFERENCES users (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
