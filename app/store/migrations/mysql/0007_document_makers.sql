-- +goose Up

-- Who has made a document: what a person makes is bounded. Not known of those of before.
ALTER TABLE documents
  ADD COLUMN maker_id BIGINT,
  ADD KEY documents_by_maker (maker_id),
  ADD FOREIGN KEY (maker_id) REFERENCES users (id);
