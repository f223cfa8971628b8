-- +goose Up
CREATE TABLE portal_events (
    id    TEXT PRIMARY KEY,
    event TEXT NOT NULL
);
CREATE TABLE portal_refusals (
    refusal_key TEXT PRIMARY KEY,
    event_id    TEXT NOT NULL UNIQUE,
    refusals    BIGINT NOT NULL
);

-- +goose Down
DROP TABLE portal_refusals;
DROP TABLE portal_events;
