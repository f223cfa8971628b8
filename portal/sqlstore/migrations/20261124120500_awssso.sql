-- +goose Up
CREATE TABLE portal_sso_epochs (
	kind TEXT PRIMARY KEY,
	value BIGINT NOT NULL
);
INSERT INTO portal_sso_epochs (kind, value) VALUES ('grants', 1), ('clients', 1);

CREATE TABLE portal_sso_devices (
	hash TEXT PRIMARY KEY,
	user_hash TEXT NOT NULL UNIQUE,
	epoch BIGINT NOT NULL,
	client TEXT NOT NULL,
	client_name TEXT NOT NULL,
	device TEXT NOT NULL,
	scopes TEXT NOT NULL,
	network TEXT NOT NULL,
	created BIGINT NOT NULL,
	expires BIGINT NOT NULL,
	state TEXT NOT NULL,
	shown_to TEXT NOT NULL,
	typed BIGINT NOT NULL,
	session_id TEXT NOT NULL,
	person_id TEXT NOT NULL,
	auth_time BIGINT NOT NULL,
	amr TEXT NOT NULL,
	family_id TEXT NOT NULL
);
CREATE INDEX portal_sso_devices_pending ON portal_sso_devices (network, state, expires);
CREATE INDEX portal_sso_devices_expires ON portal_sso_devices (expires);

CREATE TABLE portal_sso_codes (
	hash TEXT PRIMARY KEY,
	epoch BIGINT NOT NULL,
	client TEXT NOT NULL,
	client_name TEXT NOT NULL,
	redirect_uri TEXT NOT NULL,
	challenge TEXT NOT NULL,
	scopes TEXT NOT NULL,
	created BIGINT NOT NULL,
	expires BIGINT NOT NULL,
	session_id TEXT NOT NULL,
	person_id TEXT NOT NULL,
	auth_time BIGINT NOT NULL,
	amr TEXT NOT NULL,
	taken BIGINT NOT NULL,
	family_id TEXT NOT NULL
);
CREATE INDEX portal_sso_codes_expires ON portal_sso_codes (expires);

CREATE TABLE portal_sso_families (
	id TEXT PRIMARY KEY,
	epoch BIGINT NOT NULL,
	flow TEXT NOT NULL,
	client TEXT NOT NULL,
	client_name TEXT NOT NULL,
	network TEXT NOT NULL,
	scopes TEXT NOT NULL,
	session_id TEXT NOT NULL,
	person_id TEXT NOT NULL,
	auth_time BIGINT NOT NULL,
	amr TEXT NOT NULL,
	created BIGINT NOT NULL,
	expires BIGINT NOT NULL,
	generation BIGINT NOT NULL,
	rotated BIGINT NOT NULL,
	key_id TEXT NOT NULL,
	revoked BIGINT NOT NULL
);
CREATE INDEX portal_sso_families_person ON portal_sso_families (person_id, created);
CREATE INDEX portal_sso_families_session ON portal_sso_families (session_id);
CREATE INDEX portal_sso_families_expires ON portal_sso_families (expires);

CREATE TABLE portal_sso_tokens (
	hash TEXT NOT NULL,
	kind TEXT NOT NULL,
	family_id TEXT NOT NULL,
	generation BIGINT NOT NULL,
	expires BIGINT NOT NULL,
	PRIMARY KEY (hash, kind)
);
CREATE INDEX portal_sso_tokens_family ON portal_sso_tokens (family_id);

CREATE TABLE portal_sso_denied (
	client TEXT PRIMARY KEY,
	until BIGINT NOT NULL
);

CREATE TABLE portal_sso_attempts (
	key TEXT PRIMARY KEY,
	count BIGINT NOT NULL,
	until BIGINT NOT NULL
);
CREATE INDEX portal_sso_attempts_until ON portal_sso_attempts (until);

-- +goose Down
DROP TABLE portal_sso_attempts;
DROP TABLE portal_sso_denied;
DROP TABLE portal_sso_tokens;
DROP TABLE portal_sso_families;
DROP TABLE portal_sso_codes;
DROP TABLE portal_sso_devices;
DROP TABLE portal_sso_epochs;
