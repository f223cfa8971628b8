// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"context"
	"net/http"
	"strconv"
	"strings"
)

// Capabilities are what a server says of itself (RFC 7643 section 5, RFC 9865
// section 2.3).
type Capabilities struct {
	Known bool // the server has a ServiceProviderConfig that can be read

	Patch, Filter, Bulk, Sort, ETag, ChangePassword bool
	Cursor                                          bool // pages by cursor

	MaxResults     int // of a page; 0: not said
	MaxOperations  int // of a bulk request; 0: not said
	MaxPayloadSize int
}

// Capabilities asks for the server's ServiceProviderConfig, once; an answer is
// kept. It is read leniently: a missing part says nothing about the others,
// and a server that does not speak of PATCH and filters is taken to have them,
// as are servers that have no ServiceProviderConfig.
func (c *Client) Capabilities(ctx context.Context) (Capabilities, error) {
	c.mu.Lock()
	known := c.caps
	c.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	a, err := c.Do(ctx, Request{Method: http.MethodGet, Path: "/ServiceProviderConfig"})
	caps := Capabilities{Patch: true, Filter: true}
	switch {
	case err == nil:
		caps = readCapabilities(a.Body)
	case hasCheck(err, CheckNotFound), hasCheck(err, CheckForbidden), hasCheck(err, CheckUnsupported), hasCheck(err, CheckMethod):
	default:
		return Capabilities{}, err
	}
	if c.c.Profile == AWS {
		caps.Cursor, caps.MaxResults, caps.ETag, caps.Sort = true, 100, false, false
	}
	c.mu.Lock()
	c.caps = &caps
	c.mu.Unlock()
	return caps, nil
}

func readCapabilities(body []byte) Capabilities {
	out := Capabilities{Patch: true, Filter: true}
	v, err := parseJSON(body, lenient)
	o, ok := v.(*object)
	if err != nil || !ok {
		return out
	}
	out.Known = true
	for name, to := range map[string]*bool{
		"patch": &out.Patch, "filter": &out.Filter, "bulk": &out.Bulk, "sort": &out.Sort, "etag": &out.ETag, "changePassword": &out.ChangePassword,
	} {
		part, _ := o.get(name).(*object)
		if said, ok := looseBool(part.get("supported")); ok {
			*to = said
		}
	}
	bulk, _ := o.get("bulk").(*object)
	filter, _ := o.get("filter").(*object)
	paging, _ := o.get("pagination").(*object)
	out.MaxOperations, _ = looseInt(bulk.get("maxOperations"))
	out.MaxPayloadSize, _ = looseInt(bulk.get("maxPayloadSize"))
	out.MaxResults, _ = looseInt(filter.get("maxResults"))
	out.Cursor, _ = looseBool(paging.get("cursor"))
	if n, ok := looseInt(paging.get("maxPageSize")); ok && n > 0 && (out.MaxResults <= 0 || n < out.MaxResults) {
		out.MaxResults = n
	}
	return out
}

func looseBool(v any) (value, ok bool) {
	switch v := v.(type) {
	case bool:
		return v, true
	case string:
		switch {
		case strings.EqualFold(v, "true"):
			return true, true
		case strings.EqualFold(v, "false"):
			return false, true
		}
	}
	return false, false
}

func looseInt(v any) (int, bool) {
	s := ""
	switch v := v.(type) {
	case number:
		s = string(v)
	case string:
		s = v
	}
	n, err := strconv.ParseInt(s, 10, 32)
	return int(max(n, 0)), err == nil
}
