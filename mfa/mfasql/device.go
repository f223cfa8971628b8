// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfasql

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
)

// AddTicket implements [mfa.TicketStore].
func (s *Store) AddTicket(ctx context.Context, t mfa.Ticket) error {
	return s.must(ctx, mfa.ErrExists, `INSERT INTO mfa_tickets (hash, tenant, subject, expires_at)
		VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, t.Hash[:], t.Subject.Tenant, t.Subject.ID, micros(t.ExpiresAt))
}

// Ticket implements [mfa.TicketStore].
func (s *Store) Ticket(ctx context.Context, hash [32]byte, now time.Time) (mfa.Ticket, error) {
	t := mfa.Ticket{Hash: hash}
	var expires int64
	err := s.q(ctx).QueryRowContext(ctx, `SELECT tenant, subject, expires_at FROM mfa_tickets
		WHERE hash = $1 AND expires_at > $2`, hash[:], micros(now)).Scan(&t.Subject.Tenant, &t.Subject.ID, &expires)
	t.ExpiresAt = fromMicros(expires)
	return t, notFound(err)
}

// SpendTicket implements [mfa.TicketStore].
func (s *Store) SpendTicket(ctx context.Context, p mfa.Subject, hash [32]byte, now time.Time) error {
	return s.must(ctx, mfa.ErrNotFound, `DELETE FROM mfa_tickets
		WHERE hash = $1 AND tenant = $2 AND subject = $3 AND expires_at > $4`, hash[:], p.Tenant, p.ID, micros(now))
}

// DropTickets implements [mfa.TicketStore].
func (s *Store) DropTickets(ctx context.Context, p mfa.Subject) error {
	_, err := s.exec(ctx, `DELETE FROM mfa_tickets WHERE tenant = $1 AND subject = $2`, p.Tenant, p.ID)
	return err
}

// AddDevice implements [mfa.DeviceStore].
func (s *Store) AddDevice(ctx context.Context, d mfa.Device) error {
	return s.must(ctx, mfa.ErrExists, `INSERT INTO mfa_devices (id, tenant, subject, hash, name, kind, created_at, used_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`,
		d.ID, d.Subject.Tenant, d.Subject.ID, d.Hash[:], d.Name, string(d.Kind), micros(d.CreatedAt), micros(d.UsedAt), micros(d.ExpiresAt))
}

// Devices implements [mfa.DeviceStore].
func (s *Store) Devices(ctx context.Context, p mfa.Subject, now time.Time) ([]mfa.Device, error) {
	return list(ctx, s, func(r row) (mfa.Device, error) {
		d := mfa.Device{Subject: p}
		var hash []byte
		var created, used, expires int64
		if err := r.Scan(&d.ID, &hash, &d.Name, &d.Kind, &created, &used, &expires); err != nil {
			return d, err
		}
		if len(hash) != 32 {
			return d, errHash
		}
		d.Hash = [32]byte(hash)
		d.CreatedAt, d.UsedAt, d.ExpiresAt = fromMicros(created), fromMicros(used), fromMicros(expires)
		return d, nil
	}, `SELECT id, hash, name, COALESCE(kind, ''), created_at, used_at, expires_at FROM mfa_devices
		WHERE tenant = $1 AND subject = $2 AND expires_at > $3 ORDER BY created_at DESC, id`, p.Tenant, p.ID, micros(now))
}

// TouchDevice implements [mfa.DeviceStore].
func (s *Store) TouchDevice(ctx context.Context, p mfa.Subject, id string, at time.Time) error {
	return s.must(ctx, mfa.ErrNotFound, `UPDATE mfa_devices
		SET used_at = CASE WHEN used_at < $1 THEN $1 ELSE used_at END
		WHERE id = $2 AND tenant = $3 AND subject = $4`, micros(at), id, p.Tenant, p.ID)
}

// DeleteDevice implements [mfa.DeviceStore].
func (s *Store) DeleteDevice(ctx context.Context, p mfa.Subject, id string) error {
	return s.must(ctx, mfa.ErrNotFound, `DELETE FROM mfa_devices WHERE id = $1 AND tenant = $2 AND subject = $3`,
		id, p.Tenant, p.ID)
}

// DropDevices implements [mfa.DeviceStore].
func (s *Store) DropDevices(ctx context.Context, p mfa.Subject) error {
	_, err := s.exec(ctx, `DELETE FROM mfa_devices WHERE tenant = $1 AND subject = $2`, p.Tenant, p.ID)
	return err
}

// AddSighting implements [mfa.DeviceStore].
func (s *Store) AddSighting(ctx context.Context, v mfa.Sighting, keep int) error {
	return s.InTx(ctx, func(ctx context.Context) error {
		located := 0
		if v.Place.Located {
			located = 1
		}
		_, err := s.exec(ctx, `INSERT INTO mfa_sightings
			(id, tenant, subject, device, browser, network, country, lat, lon, located, seen_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
			rand.Text(), v.Subject.Tenant, v.Subject.ID, v.Device, v.Browser, v.Network,
			v.Place.Country, v.Place.Lat, v.Place.Lon, located, micros(v.At))
		if err != nil {
			return err
		}
		_, err = s.exec(ctx, `DELETE FROM mfa_sightings WHERE tenant = $1 AND subject = $2 AND id NOT IN
			(SELECT id FROM mfa_sightings WHERE tenant = $1 AND subject = $2 ORDER BY seen_at DESC, id LIMIT $3)`,
			v.Subject.Tenant, v.Subject.ID, keep)
		return err
	})
}

// Sightings implements [mfa.DeviceStore].
func (s *Store) Sightings(ctx context.Context, p mfa.Subject) ([]mfa.Sighting, error) {
	return list(ctx, s, func(r row) (mfa.Sighting, error) {
		v := mfa.Sighting{Subject: p}
		var located, at int64
		err := r.Scan(&v.Device, &v.Browser, &v.Network, &v.Place.Country, &v.Place.Lat, &v.Place.Lon, &located, &at)
		v.Place.Located, v.At = located != 0, fromMicros(at)
		return v, err
	}, `SELECT device, browser, network, country, lat, lon, located, seen_at FROM mfa_sightings
		WHERE tenant = $1 AND subject = $2 ORDER BY seen_at DESC, id`, p.Tenant, p.ID)
}

// DropSightings implements [mfa.DeviceStore].
func (s *Store) DropSightings(ctx context.Context, p mfa.Subject) error {
	_, err := s.exec(ctx, `DELETE FROM mfa_sightings WHERE tenant = $1 AND subject = $2`, p.Tenant, p.ID)
	return err
}
