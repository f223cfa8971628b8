// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Handler is a SCIM server. It is made by [New], safe for concurrent use, and
// holds no state of requests, so that any replica may answer.
type Handler struct {
	c      Config
	root   string // BaseURL, without a slash at its end
	prefix string // path of root
	types  []*resourceType
	slots  chan struct{}
}

// New checks the configuration and returns a handler.
func New(c Config) (*Handler, error) {
	base, err := url.Parse(c.BaseURL)
	if err != nil || base.Scheme != "https" && base.Scheme != "http" || base.Host == "" || base.RawQuery != "" || base.Fragment != "" {
		return nil, fmt.Errorf("scim: BaseURL %q is no absolute URL", c.BaseURL)
	}
	if c.Users == nil {
		return nil, errors.New("scim: a store of users is required")
	}
	if (c.Tokens == nil) == (c.Authenticate == nil) {
		return nil, errors.New("scim: one of Tokens and Authenticate is required")
	}
	if _, ok := c.Profile.quirks(); !ok {
		return nil, fmt.Errorf("scim: there is no profile %q", c.Profile)
	}
	if c.Unknown > IgnoreUnknown {
		return nil, errors.New("scim: no such policy for unknown attributes")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	c.Limits = c.Limits.withDefaults()
	c.Rules, c.Types = slices.Clone(c.Rules), slices.Clone(c.Types)
	base.Path = strings.TrimRight(base.Path, "/")
	h := &Handler{c: c, root: base.String(), prefix: base.Path, slots: make(chan struct{}, c.Limits.Concurrent)}
	if err := h.declare(); err != nil {
		return nil, err
	}
	return h, h.transactional()
}

// declare makes the resource types.
func (h *Handler) declare() error {
	users, err := NewType[User](withExtensions(UserType(), h.c.UserExtensions), h.c.Users)
	if err != nil {
		return err
	}
	users.resourceType().activeDefault = true
	all := []Type{users}
	if h.c.Groups != nil {
		groups, err := NewType[Group](withExtensions(GroupType(), h.c.GroupExtensions), h.c.Groups)
		if err != nil {
			return err
		}
		all = append(all, groups)
	}
	seen := map[string]bool{"/me": true, "/bulk": true, "/schemas": true, "/resourcetypes": true, "/serviceproviderconfig": true}
	for _, t := range append(all, h.c.Types...) {
		if t == nil {
			return errors.New("scim: a resource type is nil")
		}
		rt := t.resourceType()
		for _, key := range []string{strings.ToLower(rt.endpoint), "name " + strings.ToLower(rt.name)} {
			if seen[key] {
				return fmt.Errorf("scim: resource type %s: %s is taken", rt.name, key)
			}
			seen[key] = true
		}
		h.types = append(h.types, rt)
	}
	if !h.c.ChangePassword {
		h.types[0].drop("password", Ignore)
	}
	for _, r := range h.c.Rules {
		if err := h.rule(r); err != nil {
			return err
		}
	}
	for _, t := range h.types {
		t.plain = t.isPlain()
	}
	return nil
}

func (h *Handler) rule(r AttributeRule) error {
	for _, t := range h.types {
		if strings.EqualFold(t.name, r.Type) {
			if !t.drop(r.Path, r.Rule) {
				return fmt.Errorf("scim: rule for %s: %s is no attribute that can be restricted so", r.Type, r.Path)
			}
			return nil
		}
	}
	return fmt.Errorf("scim: rule for %s: there is no such resource type", r.Type)
}

func (h *Handler) transactional() error {
	if h.c.OnChange == nil {
		return nil
	}
	for _, t := range h.types {
		if _, ok := power[Transactor](t.store.unwrap()); !ok {
			return fmt.Errorf("scim: OnChange needs transactions, which the store of %s has not", t.name)
		}
	}
	return nil
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	default:
		h.refuse(w, r, &Error{Check: CheckThrottled, Public: "too many requests at the same time", RetryAfter: time.Second})
		return
	}
	res, err := h.serve(w, r)
	if err != nil {
		h.refuse(w, r, asError(err))
		return
	}
	res.write(w)
}

// response is an answer that is not an error.
type response struct {
	status   int
	body     []byte
	version  string // entity tag
	location string
}

const mediaType = "application/scim+json; charset=utf-8"

func (res *response) write(w http.ResponseWriter) {
	header := w.Header()
	if res.version != "" {
		header.Set("ETag", res.version)
	}
	if res.location != "" {
		header.Set("Location", res.location)
	}
	if res.body != nil {
		header.Set("Content-Type", mediaType)
		header.Set("Content-Length", strconv.Itoa(len(res.body)))
	}
	w.WriteHeader(res.status)
	_, _ = w.Write(res.body)
}

// refuse answers with an error message (RFC 7644 section 3.12).
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, e *Error) {
	if h.c.OnError != nil {
		h.c.OnError(r, e)
	}
	switch e.Check {
	case CheckUnauthorized:
		challenge := `Bearer realm="scim"`
		if r.Header.Get("Authorization") != "" {
			challenge += `, error="invalid_token"`
		}
		w.Header().Set("WWW-Authenticate", challenge) // RFC 6750 section 3
	case CheckThrottled, CheckBusy:
		w.Header().Set("Retry-After", strconv.Itoa(max(1, int((e.RetryAfter+time.Second-1)/time.Second))))
	case CheckTooLarge:
		w.Header().Set("Connection", "close") // do not read the rest
	}
	res := response{status: e.Status(), body: appendJSON(nil, errorMessage(e))}
	res.write(w)
}

func errorMessage(e *Error) *object {
	o := &object{}
	o.add("schemas", []any{ErrorURN})
	if t := e.ScimType(); t != "" {
		o.add("scimType", t)
	}
	if e.Public != "" {
		o.add("detail", e.Public)
	}
	o.add("status", strconv.Itoa(e.Status()))
	return o
}

// call is one request, or one operation of a bulk request.
type call struct {
	h      *Handler
	ctx    context.Context
	r      *http.Request
	caller Caller
	q      quirks
	strict bool
}

func (c *call) writer(t *resourceType) *writer {
	return &writer{t: t, q: c.q, unknown: c.h.c.Unknown}
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request) (*response, error) {
	caller, err := h.authenticate(r)
	if err != nil {
		return nil, err
	}
	if h.c.Allow != nil {
		if wait := h.c.Allow(r.Context(), caller); wait > 0 {
			return nil, &Error{Check: CheckThrottled, Public: "too many requests", RetryAfter: wait}
		}
	}
	if len(r.URL.RawQuery) > 4*h.c.Limits.Filter {
		return nil, refuse(CheckTooLarge, "the query is too long")
	}
	profile := h.c.Profile
	if caller.Profile != "" {
		profile = caller.Profile
	}
	q, _ := profile.quirks()
	c := &call{h: h, ctx: r.Context(), r: r, caller: caller, q: q, strict: profile == Strict}
	return c.route(w)
}

func (h *Handler) authenticate(r *http.Request) (Caller, error) {
	var caller Caller
	var err error
	if h.c.Authenticate != nil {
		caller, err = h.c.Authenticate(r)
	} else if secret := Bearer(r); secret == "" {
		err = refuse(CheckUnauthorized, "a bearer token is required")
	} else {
		caller, err = h.c.Tokens.Verify(r.Context(), secret)
	}
	if err != nil {
		var e *Error
		if errors.As(err, &e) || h.c.Authenticate == nil {
			return caller, err
		}
		return caller, &Error{Check: CheckUnauthorized, Public: "the request is not authenticated", Err: err}
	}
	if caller.Tenant == "" {
		return caller, &Error{Check: CheckInternal, Public: "the request could not be served", Err: errNoTenant}
	}
	if _, ok := caller.Profile.quirks(); !ok {
		return caller, &Error{Check: CheckInternal, Public: "the request could not be served", Err: errors.New("scim: the caller has no valid profile")}
	}
	return caller, nil
}

// route finds what a path names. Version prefixes such as /v2 are part of the
// base URL (RFC 7644 section 3.13).
func (c *call) route(w http.ResponseWriter) (*response, error) {
	path := c.r.URL.Path
	if rest, ok := strings.CutPrefix(path, c.h.prefix); ok && (rest == "" || rest[0] == '/') {
		path = rest
	}
	parts := strings.Split(strings.Trim(path, "/"), "/")
	if len(parts) > 2 || len(path) > 1024 {
		return nil, refuse(CheckNotFound, "there is no such endpoint")
	}
	id := ""
	if len(parts) == 2 {
		id = parts[1]
	}
	switch parts[0] {
	case "":
		return c.onlyGet(w, c.rootQuery)
	case ".search":
		return c.only(w, "POST", id == "", c.rootSearch)
	case "Me":
		return c.me(w, id)
	case "Bulk":
		return c.only(w, "POST", id == "", c.bulk)
	case "ServiceProviderConfig", "ResourceTypes", "Schemas":
		return c.onlyGet(w, func() (*response, error) { return c.discover(parts[0], id) })
	}
	for _, t := range c.h.types {
		if t.endpoint[1:] == parts[0] {
			return c.resource(w, t, id, len(parts) == 2)
		}
	}
	return nil, refuse(CheckNotFound, "there is no such endpoint")
}

func (c *call) onlyGet(w http.ResponseWriter, fn func() (*response, error)) (*response, error) {
	if c.r.Method != http.MethodGet && c.r.Method != http.MethodHead {
		return nil, notAllowed(w, "GET, HEAD")
	}
	return fn()
}

func (c *call) only(w http.ResponseWriter, method string, found bool, fn func() (*response, error)) (*response, error) {
	if !found {
		return nil, refuse(CheckNotFound, "there is no such endpoint")
	}
	if c.r.Method != method {
		return nil, notAllowed(w, method)
	}
	return fn()
}

func notAllowed(w http.ResponseWriter, methods string) error {
	w.Header().Set("Allow", methods)
	return refuse(CheckMethod, "the method is not allowed here")
}

// resource serves the endpoint of a type (RFC 7644 section 3.2).
func (c *call) resource(w http.ResponseWriter, t *resourceType, id string, hasID bool) (*response, error) {
	switch {
	case id == ".search":
		return c.only(w, "POST", true, func() (*response, error) { return c.search(t) })
	case hasID && id == "":
		return nil, refuse(CheckNotFound, "there is no such resource")
	case hasID:
		return c.one(w, t, id)
	}
	switch c.r.Method {
	case http.MethodGet, http.MethodHead:
		return c.list(t)
	case http.MethodPost:
		return c.post(t)
	}
	return nil, notAllowed(w, "GET, HEAD, POST")
}

func (c *call) one(w http.ResponseWriter, t *resourceType, id string) (*response, error) {
	if len(id) > 256 {
		return nil, refuse(CheckNotFound, "there is no such resource")
	}
	switch c.r.Method {
	case http.MethodGet, http.MethodHead:
		return c.get(t, id)
	case http.MethodPut:
		return c.put(t, id)
	case http.MethodPatch:
		return c.patch(t, id)
	case http.MethodDelete:
		return c.delete(t, id)
	}
	return nil, notAllowed(w, "GET, HEAD, PUT, PATCH, DELETE")
}

// me serves the alias of the caller's own user (RFC 7644 section 3.11).
func (c *call) me(w http.ResponseWriter, rest string) (*response, error) {
	if rest != "" {
		return nil, refuse(CheckNotFound, "there is no such endpoint")
	}
	id := c.caller.UserID
	if c.h.c.Me != nil {
		var err error
		if id, err = c.h.c.Me(c.ctx, c.caller); err != nil {
			return nil, err
		}
	}
	if id == "" || c.r.Method == http.MethodPost {
		return nil, refuse(CheckUnsupported, "the caller is no user")
	}
	return c.one(w, c.h.types[0], id)
}
