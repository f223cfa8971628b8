// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/portal/audit"
	"github.com/gatehouse-id/gatehouse/portal/directory"
	"github.com/gatehouse-id/gatehouse/saml"
	"github.com/gatehouse-id/gatehouse/saml/awsrole"
)

// ErrMetadata is wrapped by the refusal of an application that is not described
// well enough.
var ErrMetadata = errors.New("app: application is not acceptable")

// ErrAWS is wrapped by the refusal of an application that would pass for AWS:
// its entity ID, an endpoint on an AWS sign-in host, or an attribute of AWS's.
var ErrAWS = errors.New("app: an application may not stand in for AWS")

// Config is what [Apps] stands on. Store and Record are required.
type Config struct {
	Store  Store
	Record func(ctx context.Context, e audit.Event) error // in the transaction of ctx
	Now    func() time.Time
}

// Apps registers applications and says who may use them. It implements
// saml.Peers for the application identity provider.
type Apps struct{ c Config }

// New checks the configuration.
func New(c Config) (*Apps, error) {
	if c.Store == nil || c.Record == nil {
		return nil, errors.New("app: Store and Record are required")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Apps{c: c}, nil
}

// RegisterEndpoint registers an application that has no metadata by its entity
// ID and assertion consumer service.
func (s *Apps) RegisterEndpoint(ctx context.Context, actor string, a App, acs string) (*App, error) {
	a.Metadata = EndpointMetadata(a.EntityID, acs)
	return s.Register(ctx, actor, a)
}

// EndpointMetadata is the least metadata of a service provider: its entity ID
// and where Responses are posted.
func EndpointMetadata(entityID, acs string) string {
	var b strings.Builder
	b.WriteString(`<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="`)
	_ = xml.EscapeText(&b, []byte(entityID))
	b.WriteString(`"><md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:AssertionConsumerService Binding="` + saml.BindingPOST + `" Location="`)
	_ = xml.EscapeText(&b, []byte(acs))
	b.WriteString(`" index="0" isDefault="true"/></md:SPSSODescriptor></md:EntityDescriptor>`)
	return b.String()
}

// Register checks and stores an application. Its entity ID is the metadata's.
// An existing application is replaced if a.ID is its.
func (s *Apps) Register(ctx context.Context, actor string, a App) (*App, error) {
	// Expired metadata is not taken; what was taken stays, see Stored.
	if _, err := saml.ParseMetadata([]byte(a.Metadata), saml.MetadataOptions{Now: s.c.Now}); err != nil {
		return nil, err
	}
	entity, err := s.Check(&a)
	if err != nil {
		return nil, err
	}
	a.EntityID = entity.EntityID
	if a.ID == "" {
		a.ID = directory.NewID("app")
	}
	err = s.c.Store.InTx(ctx, func(ctx context.Context) error {
		if err := s.c.Store.PutApp(ctx, &a); err != nil {
			return err
		}
		return s.c.Record(ctx, audit.Event{Type: audit.AccessChanged, Actor: actor, Details: map[string]string{"object": "application", "id": a.ID, "entity": a.EntityID}})
	})
	if err != nil {
		return nil, err
	}
	return &a, nil
}

// Check reads the application's metadata and reports what is wrong with it. It
// is made at registration, at every refresh, and again at every signature.
func (s *Apps) Check(a *App) (*saml.Entity, error) {
	if a.Name == "" || len(a.Name) > 128 {
		return nil, fmt.Errorf("%w: a name has 1 to 128 bytes", ErrMetadata)
	}
	entity, err := Stored(a.Metadata)
	if err != nil {
		return nil, err
	}
	if entity.SP == nil || len(entity.SP.ACS) == 0 {
		return nil, fmt.Errorf("%w: the metadata is not of a service provider", ErrMetadata)
	}
	if a.EntityID != "" && a.EntityID != entity.EntityID {
		return nil, fmt.Errorf("%w: the metadata is of %q", ErrMetadata, entity.EntityID)
	}
	if awsrole.IsAWSAudience(entity.EntityID) {
		return nil, fmt.Errorf("%w: entity ID %q", ErrAWS, entity.EntityID)
	}
	for _, e := range append(append([]saml.Endpoint(nil), entity.SP.ACS...), entity.SP.SLO...) {
		for _, location := range []string{e.Location, e.ResponseLocation} {
			u, err := url.Parse(location)
			if err != nil || awsrole.IsAWSSignInHost(u.Hostname()) {
				return nil, fmt.Errorf("%w: endpoint %q", ErrAWS, location)
			}
		}
	}
	for _, at := range a.Attributes {
		if awsrole.IsAWSAttribute(at.Name) {
			return nil, fmt.Errorf("%w: attribute %q", ErrAWS, at.Name)
		}
		if at.Name == "" || len(at.Name) > 256 || at.From == "" {
			return nil, fmt.Errorf("%w: an attribute has a name of 1 to 256 bytes and a source", ErrMetadata)
		}
	}
	return entity, nil
}

// Stored reads metadata that an administrator has taken. Its validUntil was
// looked at then: a document that nobody refreshes would otherwise lock
// everybody out some days later, without anything having changed.
func Stored(metadata string) (*saml.Entity, error) {
	entity, err := saml.ParseMetadata([]byte(metadata), saml.MetadataOptions{Now: func() time.Time { return time.Unix(0, 0) }})
	if err != nil {
		return nil, err
	}
	entity.ValidUntil = time.Time{}
	return entity, nil
}

// Peer returns the application with an entity ID as the identity provider
// knows it.
func (s *Apps) Peer(ctx context.Context, entityID string) (*saml.Peer, error) {
	a, err := s.c.Store.AppByEntityID(ctx, entityID)
	if errors.Is(err, ErrNotFound) {
		return nil, saml.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	entity, err := s.Check(a)
	if err != nil {
		return nil, err
	}
	return &saml.Peer{Entity: entity, NoIdPInitiated: !a.IdPInitiated}, nil
}

// Allowed returns the application if it is assigned to the person, directly or
// through a group; else [ErrNotAssigned], also for one that does not exist.
func (s *Apps) Allowed(ctx context.Context, personID, entityID string) (*App, error) {
	mine, err := s.c.Store.AppsOf(ctx, personID)
	if err != nil {
		return nil, err
	}
	for i := range mine {
		if mine[i].EntityID == entityID {
			return &mine[i], nil
		}
	}
	return nil, ErrNotAssigned
}

// Release is what the application is told of the person.
func Release(a *App, p *directory.Person, groups []directory.Group) (saml.NameID, []saml.Attribute) {
	var out []saml.Attribute
	for _, at := range a.Attributes {
		var values []string
		if at.From == "groups" {
			for _, g := range groups {
				values = append(values, g.DisplayName)
			}
		} else if v := Value(p, at.From); v != "" {
			values = []string{v}
		}
		if len(values) > 0 {
			out = append(out, saml.Attribute{Name: at.Name, Format: saml.AttrBasic, Values: values})
		}
	}
	switch a.NameID {
	case "userName":
		return saml.NameID{Value: p.UserName, Format: saml.NameIDUnspecified}, out
	case "id":
		return saml.NameID{Value: p.ID, Format: saml.NameIDPersistent}, out
	}
	return saml.NameID{Value: p.Email, Format: saml.NameIDEmail}, out
}

// Value is one attribute of a person by name. Every one of them is written by
// an administrator or the person's source, none by the person.
func Value(p *directory.Person, name string) string {
	switch name {
	case "id":
		return p.ID
	case "userName":
		return p.UserName
	case "displayName":
		return p.DisplayName
	case "email":
		return p.Email
	case "givenName":
		return p.GivenName
	case "familyName":
		return p.FamilyName
	}
	return p.Attributes[name]
}
