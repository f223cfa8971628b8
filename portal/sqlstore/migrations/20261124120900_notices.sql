-- +goose Up
CREATE TABLE portal_notices (
    id        TEXT PRIMARY KEY,
    person_id TEXT NOT NULL REFERENCES portal_people (id) ON DELETE CASCADE,
    kind      TEXT NOT NULL,
    client    TEXT NOT NULL,
    created   BIGINT NOT NULL
);
CREATE INDEX portal_notices_person ON portal_notices (person_id, created);

-- +goose Down
DROP TABLE portal_notices;
