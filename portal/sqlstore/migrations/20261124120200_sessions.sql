-- +goose Up
CREATE TABLE portal_sessions (
    id          TEXT PRIMARY KEY,
    hash        TEXT NOT NULL UNIQUE,
    person_id   TEXT NOT NULL REFERENCES portal_people (id) ON DELETE CASCADE,
    source_id   TEXT NOT NULL,
    level       TEXT NOT NULL,
    auth_time   BIGINT NOT NULL,
    mfa_time    BIGINT NOT NULL,
    amr         TEXT NOT NULL,
    evidence    TEXT NOT NULL,
    unsolicited BOOLEAN NOT NULL,
    device_id   TEXT NOT NULL,
    network     TEXT NOT NULL,
    user_agent  TEXT NOT NULL,
    created     BIGINT NOT NULL,
    last_seen   BIGINT NOT NULL,
    expires     BIGINT NOT NULL,
    upstream    TEXT NOT NULL,
    upstream_index TEXT NOT NULL,
    epoch       BIGINT NOT NULL,
    revoked     BIGINT NOT NULL
);
CREATE INDEX portal_sessions_person ON portal_sessions (person_id, created);
CREATE INDEX portal_sessions_upstream ON portal_sessions (upstream);
CREATE INDEX portal_sessions_expires ON portal_sessions (expires);

-- +goose Down
DROP TABLE portal_sessions;
