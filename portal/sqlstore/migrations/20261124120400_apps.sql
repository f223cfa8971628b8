-- +goose Up
CREATE TABLE portal_apps (
    id            TEXT PRIMARY KEY,
    name          TEXT NOT NULL,
    description   TEXT NOT NULL,
    entity_id     TEXT NOT NULL UNIQUE,
    metadata      TEXT NOT NULL,
    name_id       TEXT NOT NULL,
    attributes    TEXT NOT NULL,
    idp_initiated BOOLEAN NOT NULL,
    relay_state   TEXT NOT NULL,
    owner         TEXT NOT NULL
);
CREATE TABLE portal_app_assignments (
    app_id       TEXT NOT NULL REFERENCES portal_apps (id) ON DELETE CASCADE,
    principal_id TEXT NOT NULL,
    owner        TEXT NOT NULL,
    PRIMARY KEY (app_id, principal_id)
);
CREATE INDEX portal_app_assignments_principal ON portal_app_assignments (principal_id, app_id);

-- +goose Down
DROP TABLE portal_app_assignments;
DROP TABLE portal_apps;
