-- +goose Up
CREATE TABLE mfa_push_answers (
    id         TEXT   NOT NULL PRIMARY KEY,
    answer     BYTEA  NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX mfa_push_answers_expires ON mfa_push_answers (expires_at);

-- +goose Down
DROP TABLE mfa_push_answers;
