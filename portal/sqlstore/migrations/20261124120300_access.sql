-- +goose Up
CREATE TABLE portal_accounts (
    id              TEXT PRIMARY KEY,
    name            TEXT NOT NULL,
    email           TEXT NOT NULL,
    environment     TEXT NOT NULL,
    partition_id    TEXT NOT NULL,
    region          TEXT NOT NULL,
    sign_in_url     TEXT NOT NULL,
    provider_arn    TEXT NOT NULL,
    roles           TEXT NOT NULL,
    source_identity BOOLEAN NOT NULL,
    owner           TEXT NOT NULL
);
CREATE TABLE portal_permission_sets (
    id               TEXT PRIMARY KEY,
    name             TEXT NOT NULL UNIQUE,
    description      TEXT NOT NULL,
    session_duration BIGINT NOT NULL,
    relay_state      TEXT NOT NULL,
    no_device_code   BOOLEAN NOT NULL,
    mfa              BOOLEAN NOT NULL,
    owner            TEXT NOT NULL
);
CREATE TABLE portal_assignments (
    id                TEXT PRIMARY KEY,
    account_id        TEXT NOT NULL REFERENCES portal_accounts (id) ON DELETE CASCADE,
    permission_set_id TEXT NOT NULL REFERENCES portal_permission_sets (id) ON DELETE CASCADE,
    principal_kind    TEXT NOT NULL,
    principal_id      TEXT NOT NULL,
    owner             TEXT NOT NULL,
    UNIQUE (principal_kind, principal_id, account_id, permission_set_id)
);

-- +goose Down
DROP TABLE portal_assignments;
DROP TABLE portal_permission_sets;
DROP TABLE portal_accounts;
