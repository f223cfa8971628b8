-- +goose Up
CREATE TABLE portal_sources (
    id      TEXT PRIMARY KEY,
    kind    TEXT NOT NULL,
    name    TEXT NOT NULL,
    domains TEXT NOT NULL,
    owner   TEXT NOT NULL,
    config  TEXT NOT NULL
);
CREATE TABLE portal_people (
    id           TEXT PRIMARY KEY,
    source_id    TEXT NOT NULL REFERENCES portal_sources (id),
    subject      TEXT NOT NULL,
    external_id  TEXT NOT NULL,
    login        TEXT NOT NULL UNIQUE,
    user_name    TEXT NOT NULL,
    display_name TEXT NOT NULL,
    given_name   TEXT NOT NULL,
    family_name  TEXT NOT NULL,
    email        TEXT NOT NULL,
    active       BOOLEAN NOT NULL,
    blocked      BOOLEAN NOT NULL,
    attributes   TEXT NOT NULL,
    raw          TEXT NOT NULL,
    owner        TEXT NOT NULL,
    version      BIGINT NOT NULL,
    created      BIGINT NOT NULL,
    modified     BIGINT NOT NULL,
    UNIQUE (source_id, subject)
);
CREATE INDEX portal_people_source_login ON portal_people (source_id, login);
CREATE INDEX portal_people_source_external ON portal_people (source_id, external_id);
CREATE TABLE portal_groups (
    id           TEXT PRIMARY KEY,
    source_id    TEXT NOT NULL REFERENCES portal_sources (id),
    external_id  TEXT NOT NULL,
    display_name TEXT NOT NULL,
    owner        TEXT NOT NULL,
    version      BIGINT NOT NULL,
    created      BIGINT NOT NULL,
    modified     BIGINT NOT NULL,
    UNIQUE (source_id, display_name)
);
CREATE TABLE portal_members (
    group_id  TEXT NOT NULL REFERENCES portal_groups (id) ON DELETE CASCADE,
    person_id TEXT NOT NULL REFERENCES portal_people (id) ON DELETE CASCADE,
    PRIMARY KEY (group_id, person_id)
);
CREATE INDEX portal_members_person ON portal_members (person_id, group_id);
CREATE TABLE portal_passwords (
    person_id TEXT PRIMARY KEY REFERENCES portal_people (id) ON DELETE CASCADE,
    phc       TEXT NOT NULL
);
CREATE TABLE portal_administrators (
    principal_id TEXT PRIMARY KEY
);

-- +goose Down
DROP TABLE portal_administrators;
DROP TABLE portal_passwords;
DROP TABLE portal_members;
DROP TABLE portal_groups;
DROP TABLE portal_people;
DROP TABLE portal_sources;
