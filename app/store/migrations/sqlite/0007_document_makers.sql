-- +goose Up

-- Who has made a document: what a person makes is bounded. Not known of those of before.
ALTER TABLE documents ADD COLUMN maker_id INTEGER REFERENCES users (id);
CREATE INDEX documents_by_maker ON documents (maker_id);
