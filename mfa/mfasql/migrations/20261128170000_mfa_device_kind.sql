-- +goose Up
-- NULL is a row of a release that did not write it.
ALTER TABLE mfa_devices ADD COLUMN kind TEXT;

-- +goose Down
ALTER TABLE mfa_devices DROP COLUMN kind;
