-- +goose Up
-- NULL is a row of a release that did not write it.
ALTER TABLE portal_events ADD COLUMN person_id TEXT;
CREATE INDEX portal_events_person ON portal_events (person_id, id);

-- +goose Down
DROP INDEX portal_events_person;
ALTER TABLE portal_events DROP COLUMN person_id;
