// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa

import (
	"context"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"net/netip"
	"slices"
	"time"
)

const (
	maxTrust     = 90 * 24 * time.Hour
	maxDevices   = 20
	maxSightings = 20
	// sightingLife is how long a context stays known that nobody is seen in.
	sightingLife = 90 * 24 * time.Hour
)

// TrustDevice remembers the browser of a proof for ttl, at most 90 days, and
// returns the token for its cookie. A rule trusts it within its own
// [Rule].Trust, if it counts the factor. Called within the commit of
// [Flow.Finish] it joins that transaction. A trusted device spares the person
// the second factor and never more: it is no evidence, no step-up and no
// strength. Any change of factors ends it, and so should a change of password
// ([Flow.RevokeDevices]).
//
// It is an [*Error] with [CheckStrength] if the proof is a fallback or a first
// factor alone, with [CheckFresh] if it is older than Config.Fresh, and with
// [CheckCredential] if its credential is no more: nothing is trusted for longer
// than the credential is good for, and what was good for one use trusts
// nothing.
func (f *Flow) TrustDevice(ctx context.Context, r Result, name string, ttl time.Duration) (token string, d Device, err error) {
	if ttl <= 0 || ttl > maxTrust || r.Subject.ID == "" {
		return "", d, errors.New("mfa: TrustDevice wants a result and a ttl of up to 90 days")
	}
	if name, err = cleanName(name); err != nil {
		return "", d, err
	}
	now := f.now()
	switch {
	case r.Evidence.Fallback, r.Purpose == First && !r.Evidence.UserVerified:
		return "", d, refuse(CheckStrength, publicTrust, "a fallback or a lone first factor trusts no browser")
	case now.Sub(r.Evidence.At) > f.cfg.Fresh:
		return "", d, refuse(CheckFresh, publicTrust, "the proof is older than "+f.cfg.Fresh.String())
	}
	token = newToken()
	d = Device{
		ID: newToken(), Subject: r.Subject, Hash: hashOf("device", token), Name: name, Kind: r.Evidence.Kind,
		CreatedAt: now, UsedAt: now,
	}
	err = f.store.InTx(ctx, func(ctx context.Context) error {
		var err error
		if d.ExpiresAt, err = f.trustUntil(ctx, r, now, now.Add(ttl)); err != nil {
			return err
		}
		old, err := f.store.Devices(ctx, r.Subject, now)
		if err != nil {
			return err
		}
		for i := maxDevices - 1; i < len(old); i++ {
			if err := f.store.DeleteDevice(ctx, r.Subject, old[i].ID); err != nil && !errors.Is(err, ErrNotFound) {
				return err
			}
		}
		if err := f.store.AddDevice(ctx, d); err != nil {
			return err
		}
		return f.emit(ctx, Event{
			Type: EventDeviceTrusted, At: now, Subject: r.Subject, Kind: r.Kind, RecordID: d.ID,
			Addr: r.Client.Addr, Browser: r.Client.Browser, Detail: name,
		})
	})
	if err != nil {
		return "", Device{}, err
	}
	return token, d, nil
}

const publicTrust = "This browser cannot be remembered."

// trustUntil is until, or when the credential of a proof ends. It holds the
// credential, so that whoever removes it meanwhile also drops the device.
func (f *Flow) trustUntil(ctx context.Context, r Result, now, until time.Time) (time.Time, error) {
	if r.RecordID == "" {
		return until, nil
	}
	gone := refuse(CheckCredential, publicTrust, "the credential of the proof is gone")
	if err := f.store.TouchRecord(ctx, r.Subject, r.RecordID, r.Evidence.At); errors.Is(err, ErrNotFound) {
		return until, gone
	} else if err != nil {
		return until, err
	}
	records, err := f.store.Records(ctx, r.Subject)
	if err != nil {
		return until, err
	}
	i := slices.IndexFunc(records, func(o Record) bool { return o.ID == r.RecordID && o.live(now) })
	if i < 0 {
		return until, gone
	}
	if end := records[i].ExpiresAt; !end.IsZero() && end.Before(until) {
		until = end
	}
	return until, nil
}

// Devices returns the person's trusted devices, newest first.
func (f *Flow) Devices(ctx context.Context, s Subject) ([]Device, error) {
	return f.store.Devices(ctx, s, f.now())
}

// RevokeDevice ends the trust in one device of the person. All known contexts
// of the person end with it, for nobody can tell which were the device's.
func (f *Flow) RevokeDevice(ctx context.Context, s Subject, id, actor string) error {
	if len(id) > 128 || clip(id, 128) != id {
		return refuse(CheckCredential, "There is no such device.", "the id is malformed")
	}
	return f.store.InTx(ctx, func(ctx context.Context) error {
		if err := f.store.DeleteDevice(ctx, s, id); errors.Is(err, ErrNotFound) {
			return refuse(CheckCredential, "There is no such device.", "no such device of this person")
		} else if err != nil {
			return err
		}
		if err := f.store.DropSightings(ctx, s); err != nil {
			return err
		}
		return f.emit(ctx, Event{Type: EventDeviceRevoked, Subject: s, Actor: actor, RecordID: id})
	})
}

// RevokeDevices ends the trust in all devices of the person and forgets their
// known contexts, as a change of password must.
func (f *Flow) RevokeDevices(ctx context.Context, s Subject, actor string) error {
	return f.store.InTx(ctx, func(ctx context.Context) error {
		if err := f.forgetBrowsers(ctx, s); err != nil {
			return err
		}
		return f.emit(ctx, Event{Type: EventDeviceRevoked, Subject: s, Actor: actor, Detail: "all"})
	})
}

// forgetBrowsers ends all that spares the person a factor.
func (f *Flow) forgetBrowsers(ctx context.Context, s Subject) error {
	if err := f.store.DropDevices(ctx, s); err != nil {
		return err
	}
	return f.store.DropSightings(ctx, s)
}

// trusted finds the person's device by its token, nil if there is none.
func (f *Flow) trusted(ctx context.Context, s Subject, token string, now time.Time) (*Device, error) {
	if token == "" || len(token) > 128 {
		return nil, nil
	}
	devices, err := f.store.Devices(ctx, s, now)
	if err != nil {
		return nil, err
	}
	want := hashOf("device", token)
	for _, d := range devices {
		if subtle.ConstantTimeCompare(want[:], d.Hash[:]) == 1 && d.Subject == s {
			return &d, nil
		}
	}
	return nil, nil
}

// Saw keeps the last use of a trusted browser and the context of a sign-in that
// is complete, for rules of mode [Contextual]: call it with what policy decided
// in the transaction that saves the session. A context is kept only if a factor
// stands behind it: policy allowed the sign-in because a factor was proved, the
// context was known or the browser trusted. What it let in without, by a grace,
// [Never] or [ActAllow], would spare the factor that the person enrols later.
// [Flow.Finish] keeps the context of every second factor that is no fallback by
// itself.
func (f *Flow) Saw(ctx context.Context, s Subject, c Client, d Decision) error {
	now := f.now()
	v, ok := f.sighting(ctx, s, c, now)
	ok = ok && f.factorBehind(d)
	return f.store.InTx(ctx, func(ctx context.Context) error {
		d, err := f.trusted(ctx, s, c.TrustToken, now)
		if err == nil && d != nil {
			err = f.store.TouchDevice(ctx, s, d.ID, now)
		}
		if err != nil || !ok {
			return err
		}
		return f.store.AddSighting(ctx, v, maxSightings)
	})
}

// factorBehind says whether a decision rests on a factor that is no fallback,
// given now or before.
func (f *Flow) factorBehind(d Decision) bool {
	if d.Outcome != Allow || len(d.Reasons) == 0 {
		return false
	}
	switch r := d.Reasons[0]; r.Code {
	case ReasonKnown, ReasonTrusted:
		return true
	case ReasonProved:
		return !f.infos[Kind(r.Detail)].Fallback
	}
	return false
}

// sighting is the context of a proof, if the client says anything.
func (f *Flow) sighting(ctx context.Context, s Subject, c Client, now time.Time) (Sighting, bool) {
	if c.Device == "" && c.Browser == "" && !c.Addr.IsValid() {
		return Sighting{}, false
	}
	place, _ := f.place(ctx, c)
	return Sighting{
		Subject: s, Device: deviceHash(c.Device), Browser: clip(c.Browser, 100), Network: network(c.Addr),
		Place: place, At: now,
	}, true
}

func deviceHash(id string) string {
	if id == "" {
		return ""
	}
	h := hashOf("browser", id)
	return hex.EncodeToString(h[:16])
}

// network is the /24 or /48 that the address is in.
func network(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	if !a.IsValid() {
		return ""
	}
	bits := 48
	if a.Is4() {
		bits = 24
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}

// place is where the client is, as far as anybody knows; unknown says that it
// could not be had.
func (f *Flow) place(ctx context.Context, c Client) (p Place, unknown bool) {
	if c.Place != (Place{}) || f.cfg.Geo == nil || !c.Addr.IsValid() {
		return c.Place, false
	}
	p, err := f.cfg.Geo.Locate(ctx, c.Addr)
	if err != nil {
		return Place{}, true
	}
	return p, false
}
