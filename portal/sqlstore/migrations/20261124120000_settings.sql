-- +goose Up
CREATE TABLE portal_settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
INSERT INTO portal_settings (name, value) VALUES ('epoch', '1');

-- +goose Down
DROP TABLE portal_settings;
