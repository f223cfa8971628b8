// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfatest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
)

func recordRoundTrip(ctx context.Context, s mfa.Store) error {
	p := person()
	a, b := record(p), record(p)
	a.ID, b.ID = max(a.ID, b.ID), min(a.ID, b.ID) // not in the order of time
	b.CreatedAt, b.Key, b.Public, b.ExpiresAt = base.Add(time.Second), "", nil, base.Add(time.Hour)
	return beside(ctx, s, p,
		func() error { return s.AddRecord(ctx, b) },
		func() error { return s.AddRecord(ctx, a) },
		func() error {
			got, err := s.Records(ctx, p)
			return errors.Join(err, want("records, oldest first", normal(got), normal([]mfa.Record{a, b})))
		},
		func() error {
			got, err := s.RecordByKey(ctx, a.Kind, a.Key)
			return errors.Join(err, want("record by key", normal([]mfa.Record{got}), normal([]mfa.Record{a})))
		},
		func() error {
			_, err := s.RecordByKey(ctx, a.Kind, "")
			return wantErr("record by empty key", err, mfa.ErrNotFound)
		},
		func() error {
			_, err := s.RecordByKey(ctx, "other", a.Key)
			return wantErr("record by key of another kind", err, mfa.ErrNotFound)
		},
		func() error { return s.TouchRecord(ctx, p, a.ID, base.Add(time.Hour)) },
		func() error { return s.TouchRecord(ctx, p, a.ID, base) },
		func() error {
			got, err := s.RecordByKey(ctx, a.Kind, a.Key)
			return errors.Join(err, want("last use never moves back", got.UsedAt.Equal(base.Add(time.Hour)), true))
		},
		func() error { return s.DeleteRecord(ctx, p, a.ID) },
		func() error { return wantErr("delete twice", s.DeleteRecord(ctx, p, a.ID), mfa.ErrNotFound) },
		func() error { return wantErr("touch deleted", s.TouchRecord(ctx, p, a.ID, base), mfa.ErrNotFound) },
		func() error {
			got, err := s.Records(ctx, p)
			return errors.Join(err, want("the other record", normal(got), normal([]mfa.Record{b})))
		},
		func() error { return s.AddRecord(ctx, a) },
	)
}

// normal makes records comparable: times by instant, empty as nil.
func normal(rs []mfa.Record) []string {
	var out []string
	for _, r := range rs {
		out = append(out, fmt.Sprintf("%s %v %s %s %s %s %v %d %d %d %d %x", r.ID, r.Subject, r.Kind, r.Key, r.Name, r.Public,
			r.Strength, unix(r.CreatedAt), unix(r.UsedAt), unix(r.ExpiresAt), r.Version, r.Sealed))
	}
	return out
}

func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func recordKeyUnique(ctx context.Context, s mfa.Store) error {
	a, b, c, d := record(person()), record(person()), record(person()), record(person())
	b.Key, b.Subject.Tenant = a.Key, "another"
	c.ID = a.ID
	d.Key, d.Kind = a.Key, "another"
	return all(
		func() error { return s.AddRecord(ctx, a) },
		func() error { return wantErr("same key, other tenant", s.AddRecord(ctx, b), mfa.ErrExists) },
		func() error { return wantErr("same id", s.AddRecord(ctx, c), mfa.ErrExists) },
		func() error { return s.AddRecord(ctx, d) },
		func() error {
			x := record(person())
			n := race(parallel, func(int) error {
				y := x
				y.ID, y.Subject = random(), person()
				return s.AddRecord(ctx, y)
			})
			return want("parallel registrations of one key that pass", n, 1)
		},
	)
}

func recordSwap(ctx context.Context, s mfa.Store) error {
	r := record(person())
	other := record(r.Subject)
	other.CreatedAt = base.Add(time.Second)
	return beside(ctx, s, r.Subject,
		func() error { return errors.Join(s.AddRecord(ctx, r), s.AddRecord(ctx, other)) },
		func() error {
			u := r
			u.Name, u.Public, u.Strength, u.Sealed, u.UsedAt = "new", []byte(`2`), mfa.Any, []byte{9}, base.Add(time.Second)
			u.Kind, u.Key, u.CreatedAt = "changed", "changed", base.Add(time.Hour) // not updated
			if err := s.UpdateRecord(ctx, u); err != nil {
				return err
			}
			u.Kind, u.Key, u.CreatedAt, u.Version = r.Kind, r.Key, r.CreatedAt, r.Version+1
			got, err := s.Records(ctx, r.Subject)
			return errors.Join(err, want("updated record and another", normal(got), normal([]mfa.Record{u, other})))
		},
		func() error { return wantErr("update of an old version", s.UpdateRecord(ctx, r), mfa.ErrConflict) },
		func() error {
			return wantErr("update of a missing record", s.UpdateRecord(ctx, record(r.Subject)), mfa.ErrConflict)
		},
	)
}

func recordOfAnother(ctx context.Context, s mfa.Store) error {
	p := person()
	b, err := own(ctx, s, p)
	if err != nil {
		return err
	}
	for _, thief := range []mfa.Subject{person(), {Tenant: "another", ID: p.ID}} {
		stolen := b.record
		stolen.Subject = thief
		got, err := s.Records(ctx, thief)
		err = errors.Join(err, want("records", len(got), 0),
			wantErr("update", s.UpdateRecord(ctx, stolen), mfa.ErrConflict),
			wantErr("touch", s.TouchRecord(ctx, thief, stolen.ID, base), mfa.ErrNotFound),
			wantErr("delete", s.DeleteRecord(ctx, thief, stolen.ID), mfa.ErrNotFound))
		if err != nil {
			return fmt.Errorf("calls for %v on what %v has: %w", thief, p, err)
		}
	}
	return b.still(ctx, s)
}

func recordPages(ctx context.Context, s mfa.Store) error {
	added := map[string]bool{}
	for range 5 {
		r := record(person())
		added[r.ID] = true
		if err := s.AddRecord(ctx, r); err != nil {
			return err
		}
	}
	seen := map[string]bool{}
	for after := ""; ; {
		page, err := s.RecordsAfter(ctx, after, 2)
		if err != nil || len(page) > 2 {
			return errors.Join(err, want("records in a page of two", min(len(page), 2), len(page)))
		}
		if len(page) == 0 {
			break
		}
		for _, r := range page {
			if seen[r.ID] {
				return fmt.Errorf("record %s is in two pages", r.ID)
			}
			seen[r.ID], after = true, r.ID
			delete(added, r.ID)
		}
	}
	return want("records in no page", len(added), 0)
}

func parallelUpdates(ctx context.Context, s mfa.Store) error {
	r := record(person())
	if err := s.AddRecord(ctx, r); err != nil {
		return err
	}
	n := race(parallel, func(int) error {
		return s.InTx(ctx, func(ctx context.Context) error { return s.UpdateRecord(ctx, r) })
	})
	return want("parallel updates of one version that pass", n, 1)
}
