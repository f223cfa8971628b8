-- +goose Up
CREATE TABLE scim_resources (
    tenant   TEXT   NOT NULL,
    kind     TEXT   NOT NULL,
    id       TEXT   NOT NULL,
    version  BIGINT NOT NULL,
    created  BIGINT NOT NULL,
    modified BIGINT NOT NULL,
    name     TEXT   NOT NULL,
    doc      TEXT   NOT NULL,
    PRIMARY KEY (tenant, kind, id)
);
CREATE INDEX scim_resources_order ON scim_resources (tenant, kind, created, id);

-- One row for each value that a resource is found or sorted by. ord compares
-- byte by byte in every database; fold is the whole text.
CREATE TABLE scim_values (
    tenant TEXT   NOT NULL,
    kind   TEXT   NOT NULL,
    owner  TEXT   NOT NULL,
    path   TEXT   NOT NULL,
    elem   BIGINT NOT NULL,
    ord    BYTEA  NOT NULL,
    fold   TEXT   NOT NULL,
    lead   BIGINT NOT NULL,
    uniq   BIGINT NOT NULL
);
CREATE INDEX scim_values_find ON scim_values (tenant, kind, path, ord, owner);
CREATE INDEX scim_values_owner ON scim_values (tenant, kind, owner, path);
CREATE UNIQUE INDEX scim_values_unique ON scim_values (tenant, kind, path, ord) WHERE uniq = 1;

CREATE TABLE scim_members (
    tenant   TEXT   NOT NULL,
    group_id TEXT   NOT NULL,
    member   TEXT   NOT NULL,
    kind     TEXT   NOT NULL,
    display  TEXT   NOT NULL,
    seq      BIGINT NOT NULL,
    PRIMARY KEY (tenant, group_id, member)
);
CREATE INDEX scim_members_of ON scim_members (tenant, member, group_id);

CREATE TABLE scim_tokens (
    id        TEXT   NOT NULL PRIMARY KEY,
    hash      BYTEA  NOT NULL UNIQUE,
    tenant    TEXT   NOT NULL,
    name      TEXT   NOT NULL,
    read_only BIGINT NOT NULL,
    profile   TEXT   NOT NULL,
    created   BIGINT NOT NULL,
    expires   BIGINT NOT NULL,
    last_used BIGINT NOT NULL
);
CREATE INDEX scim_tokens_tenant ON scim_tokens (tenant, created);

-- +goose Down
DROP TABLE scim_tokens;
DROP TABLE scim_members;
DROP TABLE scim_values;
DROP TABLE scim_resources;
