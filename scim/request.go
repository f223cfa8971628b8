// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
)

// write refuses callers that may only read.
func (c *call) write() error {
	if c.caller.ReadOnly {
		return refuse(CheckForbidden, "the token may only read")
	}
	return nil
}

// body reads the request's JSON.
func (c *call) body() (any, error) {
	if err := c.mediaType(); err != nil {
		return nil, err
	}
	limit := c.h.c.Limits.Body
	if c.r.ContentLength > limit {
		return nil, refuse(CheckTooLarge, "the request body is too large")
	}
	// The limit is counted here, because what reads on after it is the server's
	// business.
	raw, err := io.ReadAll(io.LimitReader(c.r.Body, limit+1))
	if err != nil {
		var tooLong *http.MaxBytesError
		if errors.As(err, &tooLong) {
			return nil, err
		}
		return nil, &Error{Check: CheckInvalidSyntax, Public: "the request body could not be read", Err: err}
	}
	if int64(len(raw)) > limit {
		return nil, refuse(CheckTooLarge, "the request body is too large")
	}
	return parseJSON(raw, c.h.c.Limits)
}

// mediaType accepts application/scim+json and application/json (RFC 7644
// section 3.1).
func (c *call) mediaType() error {
	if enc := c.r.Header.Get("Content-Encoding"); enc != "" && !strings.EqualFold(enc, "identity") {
		return refuse(CheckMediaType, "the body must not be compressed")
	}
	h := c.r.Header.Get("Content-Type")
	if h == "" && c.q.anyMediaType {
		return nil
	}
	mt, params, err := mime.ParseMediaType(h)
	if err != nil || mt != "application/scim+json" && mt != "application/json" {
		return refuse(CheckMediaType, "the Content-Type must be application/scim+json")
	}
	if cs := params["charset"]; cs != "" && !strings.EqualFold(cs, "utf-8") {
		return refuse(CheckMediaType, "the charset must be UTF-8")
	}
	return nil
}

func (c *call) bodyObject() (*object, error) {
	v, err := c.body()
	if err != nil {
		return nil, err
	}
	o, ok := v.(*object)
	if !ok {
		return nil, refuse(CheckInvalidSyntax, "a JSON object is expected")
	}
	return o, nil
}

// projection reads the attributes parameters of the URL.
func (c *call) projection() (projection, error) {
	if c.r.URL.RawQuery == "" {
		return projection{}, nil
	}
	q := c.r.URL.Query()
	return newProjection(commaList(q["attributes"]), commaList(q["excludedAttributes"]), c.strict)
}

func commaList(values []string) []string {
	var out []string
	for _, v := range values {
		if v != "" {
			out = append(out, strings.Split(v, ",")...)
		}
	}
	return out
}

// condition is If-Match or If-None-Match (RFC 7644 section 3.14).
type condition struct {
	set  bool
	any  bool
	tags []string // opaque, without W/ and quotes
}

func readCondition(values []string) condition {
	c := condition{set: len(values) > 0}
	for _, v := range values {
		for _, tag := range strings.Split(v, ",") {
			tag = strings.TrimSpace(tag)
			if tag == "*" {
				c.any = true
			}
			c.tags = append(c.tags, untag(tag))
		}
	}
	return c
}

// untag takes W/ and the quotes off an entity tag.
func untag(tag string) string {
	return strings.Trim(strings.TrimPrefix(tag, "W/"), `"`)
}

func etag(version string) string { return `W/"` + version + `"` }

func (c condition) has(version string) bool {
	if c.any {
		return true
	}
	for _, t := range c.tags {
		if t == version {
			return true
		}
	}
	return false
}

func (c *call) ifMatch() condition { return readCondition(c.r.Header.Values("If-Match")) }
