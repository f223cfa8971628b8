// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package app holds the SAML applications that people open from the portal.
//
// Start with [Apps.Register], which reads an application's metadata and
// refuses what would let it pass for AWS, and [Apps.Allowed], which tells
// whether a person is assigned. Applications are served by an identity
// provider of their own: its key never signs for AWS.
package app

import (
	"context"
	"errors"
)

// Sentinel errors.
var (
	ErrNotFound    = errors.New("app: not found")
	ErrNotAssigned = errors.New("app: the application is not assigned to this person")
	ErrConflict    = errors.New("app: an application with this entity ID exists")
)

// App is a SAML application.
type App struct {
	ID           string
	Name         string
	Description  string
	EntityID     string
	Metadata     string      // the service provider's metadata, XML
	NameID       string      // which attribute of the person: email (default), userName or id
	Attributes   []Attribute // what is released
	IdPInitiated bool        // may be opened from the portal page
	RelayState   string      // sent with IdP-initiated Responses
	Owner        string
}

// Attribute is one released attribute.
type Attribute struct {
	Name string // SAML attribute name
	From string // userName, displayName, email, givenName, familyName, id, groups, or a name in Person.Attributes
}

// Assignment lets a person or group use an application.
type Assignment struct {
	AppID       string
	PrincipalID string // person or group id
	Owner       string
}

// Store keeps applications. Its methods join the transaction in ctx.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	Apps(ctx context.Context) ([]App, error)
	App(ctx context.Context, id string) (*App, error)
	AppByEntityID(ctx context.Context, entityID string) (*App, error)
	PutApp(ctx context.Context, a *App) error // ErrConflict if another has the entity ID
	DeleteApp(ctx context.Context, id string) error
	AppAssignments(ctx context.Context, appID string) ([]Assignment, error)
	PutAppAssignment(ctx context.Context, a Assignment) error
	DeleteAppAssignment(ctx context.Context, appID, principalID string) error
	// AppsOf returns what is assigned to the person or to one of the person's
	// groups, by name.
	AppsOf(ctx context.Context, personID string) ([]App, error)
}
