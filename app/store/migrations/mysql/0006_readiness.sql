-- +goose Up

-- What is written in order to see whether there is room.
ALTER TABLE readiness ADD COLUMN padding MEDIUMBLOB;
