-- +goose Up
-- Ids begin with the time of creation, so that their order is that of creation
-- and new rows stand side by side.
CREATE TABLE scim_resources (
    tenant   TEXT   NOT NULL,
    kind     TEXT   NOT NULL,
    id       TEXT   NOT NULL,
    version  BIGINT NOT NULL,
    created  BIGINT NOT NULL,
    modified BIGINT NOT NULL,
    name     TEXT, -- of groups, for the memberships of users
    doc      TEXT   NOT NULL,
    PRIMARY KEY (tenant, kind, id)
);
CREATE INDEX scim_resources_names ON scim_resources (tenant, id, name) WHERE name IS NOT NULL;

-- How many resources there are is the sum of the shards.
CREATE TABLE scim_counts (
    tenant TEXT   NOT NULL,
    kind   TEXT   NOT NULL,
    shard  BIGINT NOT NULL,
    n      BIGINT NOT NULL,
    PRIMARY KEY (tenant, kind, shard)
);

-- One row for each value that a resource is found or sorted by. ord compares
-- byte by byte in every database; fold is the whole text. No column is declared
-- NOT NULL, though none ever is: a statement that may stop half-way makes SQLite
-- copy every page that it writes to.
CREATE TABLE scim_values (
    tenant TEXT,
    kind   TEXT,
    owner  TEXT,
    path   TEXT,
    elem   BIGINT,
    ord    BYTEA,
    fold   TEXT,
    lead   BIGINT,
    uniq   BIGINT
);
CREATE INDEX scim_values_find ON scim_values (tenant, kind, path, ord, owner) WHERE uniq = 0;
CREATE UNIQUE INDEX scim_values_unique ON scim_values (tenant, kind, path, ord) WHERE uniq = 1;
CREATE INDEX scim_values_owner ON scim_values (tenant, owner, path);

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
CREATE INDEX scim_members_nested ON scim_members (tenant, member, group_id) WHERE kind = 'Group';

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
DROP TABLE scim_counts;
DROP TABLE scim_resources;
