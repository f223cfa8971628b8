-- +goose Up
CREATE TABLE mfa_records (
    id         TEXT   NOT NULL PRIMARY KEY,
    tenant     TEXT   NOT NULL,
    subject    TEXT   NOT NULL,
    kind       TEXT   NOT NULL,
    ukey       TEXT,
    name       TEXT   NOT NULL,
    public     TEXT,
    strength   BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    used_at    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    version    BIGINT NOT NULL,
    sealed     BYTEA  NOT NULL,
    UNIQUE (kind, ukey)
);
CREATE INDEX mfa_records_subject ON mfa_records (tenant, subject);

CREATE TABLE mfa_challenges (
    hash       BYTEA  NOT NULL PRIMARY KEY,
    tenant     TEXT   NOT NULL,
    subject    TEXT   NOT NULL,
    kind       TEXT   NOT NULL,
    purpose    TEXT   NOT NULL,
    binding    BYTEA  NOT NULL,
    tries      BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    sealed     BYTEA  NOT NULL
);
CREATE INDEX mfa_challenges_subject ON mfa_challenges (tenant, subject, kind, purpose);
CREATE INDEX mfa_challenges_expires ON mfa_challenges (expires_at);

CREATE TABLE mfa_counters (
    tenant       TEXT   NOT NULL,
    subject      TEXT   NOT NULL,
    name         TEXT   NOT NULL,
    failures     BIGINT NOT NULL,
    locked_until BIGINT NOT NULL,
    PRIMARY KEY (tenant, subject, name)
);

CREATE TABLE mfa_tickets (
    hash       BYTEA  NOT NULL PRIMARY KEY,
    tenant     TEXT   NOT NULL,
    subject    TEXT   NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX mfa_tickets_subject ON mfa_tickets (tenant, subject);
CREATE INDEX mfa_tickets_expires ON mfa_tickets (expires_at);

CREATE TABLE mfa_devices (
    id         TEXT   NOT NULL PRIMARY KEY,
    tenant     TEXT   NOT NULL,
    subject    TEXT   NOT NULL,
    hash       BYTEA  NOT NULL UNIQUE,
    name       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    used_at    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX mfa_devices_subject ON mfa_devices (tenant, subject);
CREATE INDEX mfa_devices_expires ON mfa_devices (expires_at);

CREATE TABLE mfa_sightings (
    id       TEXT             NOT NULL PRIMARY KEY,
    tenant   TEXT             NOT NULL,
    subject  TEXT             NOT NULL,
    device   TEXT             NOT NULL,
    browser  TEXT             NOT NULL,
    network  TEXT             NOT NULL,
    country  TEXT             NOT NULL,
    lat      DOUBLE PRECISION NOT NULL,
    lon      DOUBLE PRECISION NOT NULL,
    located  BIGINT           NOT NULL,
    seen_at  BIGINT           NOT NULL
);
CREATE INDEX mfa_sightings_subject ON mfa_sightings (tenant, subject, seen_at);

-- +goose Down
DROP TABLE mfa_sightings;
DROP TABLE mfa_devices;
DROP TABLE mfa_tickets;
DROP TABLE mfa_counters;
DROP TABLE mfa_challenges;
DROP TABLE mfa_records;
