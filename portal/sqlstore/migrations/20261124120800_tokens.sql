-- +goose Up
CREATE TABLE portal_scim_tokens (
    id        TEXT PRIMARY KEY,
    hash      TEXT NOT NULL UNIQUE,
    source_id TEXT NOT NULL REFERENCES portal_sources (id) ON DELETE CASCADE,
    name      TEXT NOT NULL,
    read_only BOOLEAN NOT NULL,
    profile   TEXT NOT NULL,
    created   BIGINT NOT NULL,
    expires   BIGINT NOT NULL,
    last_used BIGINT NOT NULL
);
CREATE INDEX portal_scim_tokens_source ON portal_scim_tokens (source_id, created);

-- +goose Down
DROP TABLE portal_scim_tokens;
