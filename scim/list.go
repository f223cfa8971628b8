// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/gatehouse-id/gatehouse/scim/filter"
)

// search is the parameters of a query (RFC 7644 section 3.4.2).
type search struct {
	filter, sortBy, sortOrder string
	start, count              string // digits
	cursor                    string
	hasCursor                 bool
	only, exclude             []string
}

func (c *call) list(t *resourceType) (*response, error) {
	return c.query([]*resourceType{t}, c.urlSearch())
}

func (c *call) rootQuery() (*response, error) { return c.query(c.h.types, c.urlSearch()) }

func (c *call) urlSearch() search {
	if c.r.URL.RawQuery == "" {
		return search{}
	}
	q := c.r.URL.Query()
	return search{
		filter: q.Get("filter"), sortBy: q.Get("sortBy"), sortOrder: q.Get("sortOrder"),
		start: q.Get("startIndex"), count: q.Get("count"), cursor: q.Get("cursor"), hasCursor: q.Has("cursor"),
		only: commaList(q["attributes"]), exclude: commaList(q["excludedAttributes"]),
	}
}

// search serves POST /.search (RFC 7644 section 3.4.3).
func (c *call) search(t *resourceType) (*response, error) { return c.bodySearch([]*resourceType{t}) }

func (c *call) rootSearch() (*response, error) { return c.bodySearch(c.h.types) }

func (c *call) bodySearch(types []*resourceType) (*response, error) {
	in, err := c.bodyObject()
	if err != nil {
		return nil, err
	}
	if !hasSchema(in, SearchURN) && !(c.q.anyMediaType && in.get("schemas") == nil) {
		return nil, refuse(CheckInvalidSyntax, "schemas must contain "+SearchURN)
	}
	s := search{filter: in.text("filter"), sortBy: in.text("sortBy"), sortOrder: in.text("sortOrder"), cursor: in.text("cursor")}
	s.hasCursor = in.index("cursor") >= 0
	for name, to := range map[string]*string{"startIndex": &s.start, "count": &s.count} {
		switch v := in.get(name).(type) {
		case nil:
		case number:
			*to = string(v)
		default:
			return nil, badValue(name, "a number is expected")
		}
	}
	for name, to := range map[string]*[]string{"attributes": &s.only, "excludedAttributes": &s.exclude} {
		switch v := in.get(name).(type) {
		case nil:
		case string:
			*to = commaList([]string{v})
		case []any:
			for _, e := range v {
				text, ok := e.(string)
				if !ok {
					return nil, badValue(name, "a list of attribute names is expected")
				}
				*to = append(*to, text)
			}
		default:
			return nil, badValue(name, "a list of attribute names is expected")
		}
	}
	return c.query(types, s)
}

// query answers with a ListResponse over one type, or several at the root.
func (c *call) query(types []*resourceType, s search) (*response, error) {
	p, err := newProjection(s.only, s.exclude, c.strict)
	if err != nil {
		return nil, err
	}
	start, err := integer(s.start, 1, "startIndex", CheckInvalidValue)
	if err != nil {
		return nil, err
	}
	bad := CheckInvalidValue
	if s.hasCursor {
		bad = CheckInvalidCount
	}
	count, err := integer(s.count, c.h.c.Limits.PageSize, "count", bad)
	if err != nil {
		return nil, err
	}
	if s.hasCursor && s.start != "" {
		return nil, refuse(CheckInvalidValue, "cursor and startIndex exclude each other")
	}
	start = max(start, 1)
	count = min(max(count, 0), c.h.c.Limits.MaxPage)
	l := &listing{c: c, s: s, p: p, start: start, count: count}
	if s.hasCursor {
		if len(types) > 1 {
			return nil, refuse(CheckInvalidCursor, "cursors are for one resource type")
		}
		return l.cursor(types[0])
	}
	return l.index(types)
}

// integer reads a parameter.
func integer(s string, absent int, name string, c Check) (int, error) {
	if s == "" {
		return absent, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, &Error{Check: c, Public: name + " is no integer", Err: err}
	}
	return int(max(min(n, 1<<31), -1)), nil
}

type listing struct {
	c            *call
	s            search
	p            projection
	start, count int
}

// ask makes the query for one type.
func (l *listing) ask(t *resourceType, foreign bool) (Query, error) {
	q := Query{Start: l.start, Count: l.count, Omit: l.p.omit(t)}
	b := binder{t: t, q: l.c.q, foreign: foreign}
	if l.s.filter != "" {
		e, err := filter.ParseWithin(l.s.filter, filter.Limits{Length: l.c.h.c.Limits.Filter})
		if err != nil {
			reason := "it cannot be read"
			var syntax *filter.SyntaxError
			if errors.As(err, &syntax) {
				reason = "at byte " + strconv.Itoa(syntax.Offset) + ": " + syntax.Reason
			}
			return q, &Error{Check: CheckInvalidFilter, Public: "the filter cannot be used: " + reason, Err: err}
		}
		if q.Filter, err = b.bind(e); err != nil {
			return q, err
		}
	}
	return q, l.order(&q, t, foreign)
}

func (l *listing) order(q *Query, t *resourceType, foreign bool) error {
	switch {
	case l.s.sortOrder == "" || strings.EqualFold(l.s.sortOrder, "ascending"):
	case strings.EqualFold(l.s.sortOrder, "descending"):
		q.Sort.Descending = true
	default:
		return badValue("sortOrder", "ascending or descending is expected")
	}
	if l.s.sortBy == "" {
		q.Sort.Descending = false
		return nil
	}
	path, err := filter.ParsePath(l.s.sortBy)
	if err != nil {
		return &Error{Check: CheckInvalidPath, Public: "sortBy is no attribute name", Err: err}
	}
	to, ok := t.resolve(path)
	if (!ok || to.attr == nil) && foreign {
		q.Sort = Sort{}
		return nil
	}
	if !ok || to.attr == nil || to.never() {
		return refuse(CheckInvalidPath, "sortBy names no attribute to sort by")
	}
	if to.leaf().Type == Complex {
		if to.sub = to.attr.sub("value"); to.sub == nil {
			return refuse(CheckInvalidPath, "sortBy names an attribute without a value")
		}
	}
	q.Sort.By, q.Sort.CaseExact = to.path(), to.leaf().exact()
	return nil
}

// index answers by position.
func (l *listing) index(types []*resourceType) (*response, error) {
	var items []any
	total, left := 0, l.count
	for _, t := range types {
		q, err := l.ask(t, len(types) > 1)
		if err != nil {
			return nil, err
		}
		q.Start = max(1, l.start-total)
		q.Count = left
		var found, n int
		if items, found, n, _, err = l.find(items, t, q); err != nil {
			return nil, err
		}
		total += n
		left -= found
	}
	o := &object{}
	o.add("schemas", []any{ListResponseURN})
	o.add("totalResults", number(strconv.Itoa(total)))
	o.add("startIndex", number(strconv.Itoa(l.start)))
	o.add("itemsPerPage", number(strconv.Itoa(len(items))))
	return answer(o, items), nil
}

// raw is JSON that is written as it is.
type raw []byte

func answer(o *object, items []any) *response {
	if items == nil {
		items = []any{}
	}
	o.add("Resources", items)
	return &response{status: http.StatusOK, body: appendJSON(make([]byte, 0, 512+size(items)), o)}
}

func size(items []any) int {
	n := 0
	for _, x := range items {
		if b, ok := x.(raw); ok {
			n += len(b) + 1
		}
	}
	return n
}

// cursor answers by mark (RFC 9865). A cursor is bound to tenant, type, filter
// and order; it holds nothing that its holder could not ask for anyway.
func (l *listing) cursor(t *resourceType) (*response, error) {
	q, err := l.ask(t, false)
	if err != nil {
		return nil, err
	}
	bound := l.bound(t)
	if l.s.cursor != "" {
		kind, mark, ok := readCursor(l.s.cursor, bound)
		switch {
		case !ok:
			return nil, refuse(CheckInvalidCursor, "the cursor is not one of this query")
		case kind == markCursor:
			q.After = mark
		default:
			if q.Start, err = strconv.Atoi(mark); err != nil || q.Start < 1 {
				return nil, refuse(CheckInvalidCursor, "the cursor is not one of this query")
			}
		}
	}
	items, found, total, next, err := l.find(make([]any, 0, min(q.Count, 1000)), t, q)
	if err != nil {
		return nil, err
	}
	o := &object{}
	o.add("schemas", []any{ListResponseURN})
	o.add("totalResults", number(strconv.Itoa(total)))
	o.add("itemsPerPage", number(strconv.Itoa(len(items))))
	switch {
	case next != "":
		o.add("nextCursor", writeCursor(markCursor, next, bound))
	case q.After == "" && found > 0 && q.Start-1+found < total:
		o.add("nextCursor", writeCursor(indexCursor, strconv.Itoa(q.Start+found), bound))
	}
	return answer(o, items), nil
}

const (
	markCursor  = 'm' // a mark of the store
	indexCursor = 'i' // a position
)

func (l *listing) bound(t *resourceType) [8]byte {
	sum := sha256.Sum256([]byte(strings.Join([]string{l.c.caller.Tenant, t.name, l.s.filter, l.s.sortBy, strings.ToLower(l.s.sortOrder)}, "\x00")))
	return [8]byte(sum[:8])
}

func writeCursor(kind byte, mark string, bound [8]byte) string {
	return base64.RawURLEncoding.EncodeToString(append(append(bound[:], kind), mark...))
}

func readCursor(s string, bound [8]byte) (kind byte, mark string, ok bool) {
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(raw) < 10 || len(raw) > 4096 || [8]byte(raw[:8]) != bound || raw[8] != markCursor && raw[8] != indexCursor {
		return 0, "", false
	}
	return raw[8], string(raw[9:]), true
}
