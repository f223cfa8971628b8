-- +goose Up
CREATE TABLE saml_records (
    kind       TEXT NOT NULL,
    record_key TEXT NOT NULL,
    connection TEXT NOT NULL,
    data       BYTEA NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (kind, record_key)
);
CREATE INDEX saml_records_expires ON saml_records (expires_at);

CREATE TABLE saml_participants (
    sp            TEXT NOT NULL,
    session_index TEXT NOT NULL,
    session_id    TEXT NOT NULL,
    name_id       TEXT NOT NULL,
    name_key     TEXT NOT NULL,
    added_at      BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL,
    PRIMARY KEY (sp, session_index)
);
CREATE INDEX saml_participants_session ON saml_participants (session_id);
CREATE INDEX saml_participants_name ON saml_participants (sp, name_key);
CREATE INDEX saml_participants_expires ON saml_participants (expires_at);

-- +goose Down
DROP TABLE saml_participants;
DROP TABLE saml_records;
