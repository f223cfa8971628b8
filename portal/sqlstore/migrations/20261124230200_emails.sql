-- +goose Up
-- The addresses of people, by which provisioning clients look them up. value
-- and type are folded.
CREATE TABLE portal_emails (
    person_id  TEXT NOT NULL REFERENCES portal_people (id) ON DELETE CASCADE,
    value      TEXT NOT NULL,
    type       TEXT NOT NULL,
    is_primary BOOLEAN NOT NULL
);
CREATE INDEX portal_emails_value ON portal_emails (value, person_id);
CREATE INDEX portal_emails_person ON portal_emails (person_id);
INSERT INTO portal_emails (person_id, value, type, is_primary)
    SELECT id, lower(email), 'work', TRUE FROM portal_people WHERE email <> '';

-- +goose Down
DROP TABLE portal_emails;
