// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package directory

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/portal/audit"
)

// Config is what a [Directory] stands on. Store and Record are required.
type Config struct {
	Store     Store
	Record    func(ctx context.Context, e audit.Event) error // in the change's transaction
	Passwords *Passwords                                     // nil: one hash a processor
	Now       func() time.Time                               // nil: time.Now

	// OnDisabled is called in the transaction that disables or deletes a
	// person, to end what the person holds. It may be nil.
	OnDisabled func(ctx context.Context, personID, reason string) error
}

// Directory changes people and groups under the rules of their sources. It is
// safe for concurrent use.
type Directory struct{ c Config }

// New checks the configuration and returns a directory.
func New(c Config) (*Directory, error) {
	if c.Store == nil || c.Record == nil {
		return nil, errors.New("directory: Store and Record are required")
	}
	if c.Passwords == nil {
		c.Passwords = NewPasswords(0)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.OnDisabled == nil {
		c.OnDisabled = func(context.Context, string, string) error { return nil }
	}
	return &Directory{c: c}, nil
}

// Store returns the store, for reading.
func (d *Directory) Store() Store { return d.c.Store }

// SourceForLogin returns the source that a login name is sent to by its
// domain, or nil. It never looks whether the person exists.
func (d *Directory) SourceForLogin(ctx context.Context, login string) (*Source, error) {
	domain := DomainOf(FoldLogin(login))
	if domain == "" {
		return nil, nil
	}
	sources, err := d.c.Store.Sources(ctx)
	if err != nil {
		return nil, err
	}
	for i := range sources {
		if slices.Contains(sources[i].Domains, domain) {
			return &sources[i], nil
		}
	}
	return nil, nil
}

// VerifyPassword returns the person that login and password belong to, or
// [ErrNotFound]: for an unknown name, a person of an external source, a person
// without a password and a wrong password alike, at the cost of one hash. A
// disabled person is returned with the right password only, for the event;
// the caller must check [Person.Enabled]. It holds no transaction.
func (d *Directory) VerifyPassword(ctx context.Context, login, password string) (*Person, error) {
	var hash string
	p, err := d.c.Store.PersonByLogin(ctx, FoldLogin(login))
	if err == nil {
		if hash, err = d.c.Store.PasswordHash(ctx, p.ID); err == nil {
			var s *Source
			if s, err = d.c.Store.Source(ctx, p.SourceID); err == nil && s.Kind != BuiltIn {
				hash = ""
			}
		}
	}
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	ok, err := d.c.Passwords.Verify(ctx, hash, password)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, ErrNotFound
	}
	return p, nil
}

// SetPassword checks, hashes and stores a new password of a person of a
// built-in source. It must not be called inside a transaction, which would
// last as long as the hash; see [Directory.HashPassword].
func (d *Directory) SetPassword(ctx context.Context, actor string, p *Person, password string) error {
	hash, err := d.HashPassword(ctx, password)
	if err != nil {
		return err
	}
	return d.StorePassword(ctx, actor, p, password, hash)
}

// HashPassword is the slow half of SetPassword.
func (d *Directory) HashPassword(ctx context.Context, password string) (string, error) {
	return d.c.Passwords.Hash(ctx, password)
}

// StorePassword checks the password and stores its hash, in the transaction of
// ctx if there is one. It makes a new version of the person, which ends sign-ins
// that the old password began. A password that is refused wraps
// [ErrWeakPassword].
func (d *Directory) StorePassword(ctx context.Context, actor string, p *Person, password, hash string) error {
	if err := CheckPassword(password, p.UserName, p.DisplayName, p.GivenName, p.FamilyName, p.Email); err != nil {
		return err
	}
	version := p.Version
	return d.c.Store.InTx(ctx, func(ctx context.Context) error {
		p.Version = version // fn may run again
		s, err := d.c.Store.Source(ctx, p.SourceID)
		if err != nil {
			return err
		}
		if s.Kind != BuiltIn {
			return fmt.Errorf("directory: people of %q have no password here", s.Name)
		}
		if err := d.c.Store.SetPasswordHash(ctx, p.ID, hash); err != nil {
			return err
		}
		if err := d.c.Store.UpdatePerson(ctx, p, FoldLogin(p.UserName)); err != nil {
			return err
		}
		return d.c.Record(ctx, audit.Event{Type: audit.PersonChanged, Actor: actor, Person: p.ID, Source: p.SourceID, Details: map[string]string{"what": "password"}})
	})
}

// CreatePerson stores a new person; ID and times are set here, Subject is the
// ID unless given. A taken login name is refused with [ErrConflict].
func (d *Directory) CreatePerson(ctx context.Context, actor string, p *Person) error {
	folded := FoldLogin(p.UserName)
	if folded == "" {
		return fmt.Errorf("directory: %q cannot be a user name", audit.Clean(p.UserName))
	}
	p.ID = NewID("p")
	if p.Subject == "" {
		p.Subject = p.ID
	}
	p.Created = d.c.Now().UTC().Truncate(time.Microsecond)
	p.Modified = p.Created
	return d.c.Store.InTx(ctx, func(ctx context.Context) error {
		if _, err := d.c.Store.Source(ctx, p.SourceID); err != nil {
			return err
		}
		if err := d.c.Store.CreatePerson(ctx, p, folded); err != nil {
			return err
		}
		return d.c.Record(ctx, audit.Event{Type: audit.PersonCreated, Actor: actor, Person: p.ID, Source: p.SourceID})
	})
}

// UpdatePerson stores a changed person (compare-and-swap on Version) and ends
// what the person holds if the change disables.
func (d *Directory) UpdatePerson(ctx context.Context, actor, what string, p *Person) error {
	folded := FoldLogin(p.UserName)
	if folded == "" {
		return fmt.Errorf("directory: %q cannot be a user name", audit.Clean(p.UserName))
	}
	p.Modified = d.c.Now().UTC().Truncate(time.Microsecond)
	version := p.Version
	return d.c.Store.InTx(ctx, func(ctx context.Context) error {
		p.Version = version // fn may run again
		if err := d.c.Store.UpdatePerson(ctx, p, folded); err != nil {
			return err
		}
		if !p.Enabled() {
			if err := d.c.OnDisabled(ctx, p.ID, what); err != nil {
				return err
			}
		}
		return d.c.Record(ctx, audit.Event{Type: audit.PersonChanged, Actor: actor, Person: p.ID, Source: p.SourceID, Details: map[string]string{"what": what}})
	})
}

// Block sets or lifts an administrator's block. It refuses to block the last
// administrator, with [ErrLastAdministrator].
func (d *Directory) Block(ctx context.Context, actor, personID string, on bool) error {
	return d.Administered(ctx, func(ctx context.Context) error {
		p, err := d.c.Store.Person(ctx, personID)
		if err != nil {
			return err
		}
		p.Blocked = on
		what := "unblocked"
		if on {
			what = "blocked"
		}
		return d.UpdatePerson(ctx, actor, what, p)
	})
}

// DeletePerson removes a person of a source. The same user name made again is
// a new person.
func (d *Directory) DeletePerson(ctx context.Context, actor, sourceID, id string) error {
	return d.c.Store.InTx(ctx, func(ctx context.Context) error {
		if err := d.c.Store.DeletePerson(ctx, sourceID, id); err != nil {
			return err
		}
		if err := d.c.OnDisabled(ctx, id, "deleted"); err != nil {
			return err
		}
		return d.c.Record(ctx, audit.Event{Type: audit.PersonDeleted, Actor: actor, Person: id, Source: sourceID})
	})
}

// HandOver lets the provisioning client of its source change a person that an
// administrator made. What a declarative file keeps is refused with
// [ErrKept].
func (d *Directory) HandOver(ctx context.Context, actor, personID string) error {
	return d.c.Store.InTx(ctx, func(ctx context.Context) error {
		p, err := d.c.Store.Person(ctx, personID)
		if err != nil {
			return err
		}
		if p.Owner != OwnerAdmin {
			return ErrKept
		}
		p.Owner = OwnerSCIM
		return d.UpdatePerson(ctx, actor, "handed to provisioning", p)
	})
}

// HandOverGroup is [Directory.HandOver] of a group.
func (d *Directory) HandOverGroup(ctx context.Context, actor, groupID string) error {
	return d.c.Store.InTx(ctx, func(ctx context.Context) error {
		g, err := d.c.Store.Group(ctx, groupID)
		if err != nil {
			return err
		}
		if g.Owner != OwnerAdmin {
			return ErrKept
		}
		g.Owner, g.Modified = OwnerSCIM, d.c.Now().UTC().Truncate(time.Microsecond)
		if err := d.c.Store.UpdateGroup(ctx, g); err != nil {
			return err
		}
		return d.c.Record(ctx, audit.Event{Type: audit.GroupChanged, Actor: actor, Source: g.SourceID, Details: map[string]string{"group": g.ID, "what": "handed to provisioning"}})
	})
}

// CreateGroup stores a new group; its name is unique within the source.
func (d *Directory) CreateGroup(ctx context.Context, actor string, g *Group) error {
	g.DisplayName = strings.TrimSpace(g.DisplayName)
	if g.DisplayName == "" || len(g.DisplayName) > MaxName {
		return fmt.Errorf("directory: a group's name has 1 to %d bytes", MaxName)
	}
	g.ID = NewID("g")
	g.Created = d.c.Now().UTC().Truncate(time.Microsecond)
	g.Modified = g.Created
	return d.c.Store.InTx(ctx, func(ctx context.Context) error {
		if _, err := d.c.Store.Source(ctx, g.SourceID); err != nil {
			return err
		}
		if err := d.c.Store.CreateGroup(ctx, g); err != nil {
			return err
		}
		return d.c.Record(ctx, audit.Event{Type: audit.GroupCreated, Actor: actor, Source: g.SourceID, Details: map[string]string{"group": g.ID}})
	})
}

// IsAdministrator reports whether the person administers the portal: named in
// person, or through a group whose id was mapped. A group's name never counts.
func (d *Directory) IsAdministrator(ctx context.Context, personID string) (bool, error) {
	principals, err := d.c.Store.AdministratorPrincipals(ctx)
	if err != nil || len(principals) == 0 {
		return false, err
	}
	if slices.Contains(principals, personID) {
		return true, nil
	}
	groups, err := d.c.Store.GroupsOf(ctx, personID)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(groups, func(g Group) bool { return slices.Contains(principals, g.ID) }), nil
}

// Administered makes a change in a transaction, and rolls it back with
// [ErrLastAdministrator] if there was an enabled administrator before it and is
// none after. It is for what administrators do to each other, at the same time
// too; what a source says of its people is heard in any case.
func (d *Directory) Administered(ctx context.Context, change func(ctx context.Context) error) error {
	return d.c.Store.InTx(ctx, func(ctx context.Context) error {
		before, err := d.anyAdministrator(ctx)
		if err != nil {
			return err
		}
		if err := change(ctx); err != nil {
			return err
		}
		after, err := d.anyAdministrator(ctx)
		if err == nil && before && !after {
			err = ErrLastAdministrator
		}
		return err
	})
}

// anyAdministrator reports whether an enabled person administers the portal.
func (d *Directory) anyAdministrator(ctx context.Context) (bool, error) {
	principals, err := d.c.Store.AdministratorPrincipals(ctx)
	if err != nil {
		return false, err
	}
	for _, id := range principals {
		people, err := d.c.Store.Members(ctx, id)
		if err != nil {
			return false, err
		}
		for _, person := range append(people, id) {
			p, err := d.c.Store.Person(ctx, person)
			if err == nil && p.Enabled() {
				return true, nil
			}
			if err != nil && !errors.Is(err, ErrNotFound) {
				return false, err
			}
		}
	}
	return false, nil
}

// NewID returns a random identifier of 128 bits or more with a prefix.
func NewID(prefix string) string {
	return prefix + "-" + strings.ToLower(rand.Text())
}
