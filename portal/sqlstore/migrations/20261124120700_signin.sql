-- +goose Up
CREATE TABLE portal_flows (
    hash    TEXT PRIMARY KEY,
    state   TEXT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX portal_flows_expires ON portal_flows (expires);
CREATE TABLE portal_limits (
    limit_key TEXT PRIMARY KEY,
    tat       BIGINT NOT NULL
);
CREATE INDEX portal_limits_tat ON portal_limits (tat);
CREATE TABLE portal_tickets (
    hash      TEXT PRIMARY KEY,
    person_id TEXT NOT NULL REFERENCES portal_people (id) ON DELETE CASCADE,
    purpose   TEXT NOT NULL,
    expires   BIGINT NOT NULL
);
CREATE INDEX portal_tickets_person ON portal_tickets (person_id);

-- +goose Down
DROP TABLE portal_tickets;
DROP TABLE portal_limits;
DROP TABLE portal_flows;
