// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// ListOptions narrow a list. Servers of the AWS profile are not told
// attributes to exclude.
type ListOptions struct {
	Filter  string
	Exclude []string // attributes that need not be sent
	Size    int      // resources of a page; 0: the client's
	Paging  Paging
}

// Paging is how a list is read.
type Paging uint8

// The ways of reading.
const (
	PagingAuto   Paging = iota // by cursor if the server says that it can
	PagingIndex                // startIndex and count (RFC 7644 section 3.4.2.4)
	PagingCursor               // RFC 9865
)

// All reads all resources that match, page by page, each once. Either all that
// were there throughout are yielded or the last pair has an error: a page that
// comes short, comes twice or breaks off is never taken for the end, and a list
// that shrinks while it is read by index is read again. What is made or deleted
// meanwhile may be among them or not.
func (r *Resources[R]) All(ctx context.Context, o ListOptions) iter.Seq2[*R, error] {
	return func(yield func(*R, error) bool) {
		if err := r.pages(ctx, o, func(x *R) bool { return yield(x, nil) }); err != nil {
			yield(nil, err)
		}
	}
}

// Find returns the one resource that matches a filter, or [ErrNotFound] as an
// [*Error]; two are refused with CheckTooMany.
func (r *Resources[R]) Find(ctx context.Context, filter string) (*R, error) {
	var found *R
	n := 0
	err := r.pages(ctx, ListOptions{Filter: filter, Size: 2, Paging: PagingIndex}, func(x *R) bool {
		found = x
		n++
		return n < 2
	})
	switch {
	case err != nil:
		return nil, err
	case n == 0:
		return nil, &Error{Check: CheckNotFound, Public: "no such resource", Err: ErrNotFound}
	case n > 1:
		return nil, refuse(CheckTooMany, "more than one resource matches")
	}
	return found, nil
}

// listAnswer is a ListResponse, read leniently.
type listAnswer struct {
	items []*object
	total int
	said  bool // total was
	next  string
}

func (r *Resources[R]) pages(ctx context.Context, o ListOptions, yield func(*R) bool) error {
	caps := Capabilities{}
	if o.Paging == PagingAuto || o.Size == 0 {
		var err error
		if caps, err = r.c.Capabilities(ctx); err != nil {
			return err
		}
	}
	if o.Size <= 0 {
		o.Size = r.c.c.PageSize
	}
	if o.Size <= 0 {
		o.Size = 1000
	}
	if caps.MaxResults > 0 {
		o.Size = min(o.Size, caps.MaxResults)
	}
	if r.c.c.Profile == AWS {
		o.Size = min(o.Size, 100)
	}
	q := url.Values{"count": {strconv.Itoa(o.Size)}}
	if o.Filter != "" {
		q.Set("filter", o.Filter)
	}
	if len(o.Exclude) > 0 && r.c.c.Profile != AWS {
		q.Set("excludedAttributes", strings.Join(o.Exclude, ","))
	}
	w := &walk[R]{r: r, q: q, size: o.Size, seen: map[string]int{}, pass: 1, yield: yield}
	if o.Paging == PagingCursor || o.Paging == PagingAuto && caps.Cursor {
		return w.byCursor(ctx)
	}
	return w.byIndex(ctx, 0, 0)
}

// walk is one reading of a list, in several passes if the list changes
// meanwhile.
type walk[R any] struct {
	r     *Resources[R]
	q     url.Values
	size  int
	seen  map[string]int // the pass in which an id came last
	pass  int
	count int // different ids of this pass
	yield func(*R) bool
	done  bool // the reader wants no more
}

// passes is how often a list is read that changes while it is.
const passes = 4

// restart begins another pass, which yields what is new only.
func (w *walk[R]) restart(why string) error {
	if w.pass++; w.pass > passes {
		return refuse(CheckAnswer, why)
	}
	w.count = 0
	return nil
}

// byIndex reads by position. A deletion between two pages moves what follows
// to a position that was read already; as nobody says what has moved, a total
// that falls has the list read again.
func (w *walk[R]) byIndex(ctx context.Context, got, total int) error {
	for {
		// AWS knows no startIndex.
		w.q.Del("startIndex")
		if got > 0 {
			w.q.Set("startIndex", strconv.Itoa(got+1))
		}
		page, err := w.page(ctx)
		if err != nil {
			return err
		}
		fresh, err := w.take(page)
		if err != nil || w.done {
			return err
		}
		if page.said && page.total < total && got > 0 && total > got {
			if err := w.restart("the list changed each time it was read"); err != nil {
				return err
			}
			got, total = 0, 0
			continue
		}
		got += len(page.items)
		total = page.total
		complete := page.said && w.count >= page.total
		switch {
		case fresh == 0 && complete, fresh == 0 && !page.said && len(page.items) == 0:
			return nil
		case fresh == 0:
			return refuse(CheckAnswer, "the server says that there are "+strconv.Itoa(page.total)+" resources and sends "+strconv.Itoa(w.count))
		case complete && len(page.items) < w.size:
			return nil
		case complete && page.total > len(page.items):
			return nil // the total is that of all pages, not the page's own
		}
		// A full first page that calls itself complete may be a cap.
	}
}

// byCursor reads by mark. A cursor that the server no longer takes has the list
// read again; a server that answers a first page without a cursor to the next
// is read by position.
func (w *walk[R]) byCursor(ctx context.Context) error {
	cursor, marks := "", map[string]struct{}{}
	for {
		w.q.Set("cursor", cursor)
		page, err := w.page(ctx)
		if cursor != "" && (hasCheck(err, CheckExpiredCursor) || hasCheck(err, CheckInvalidCursor)) && w.restart("") == nil {
			cursor, marks = "", map[string]struct{}{}
			continue
		}
		if err != nil {
			return err
		}
		fresh, err := w.take(page)
		if err != nil || w.done {
			return err
		}
		if page.next == "" && cursor == "" && fresh > 0 && page.total > len(page.items) {
			w.q.Del("cursor")
			return w.byIndex(ctx, len(page.items), page.total)
		}
		if cursor = page.next; cursor == "" {
			return nil
		}
		if _, twice := marks[cursor]; twice {
			return refuse(CheckAnswer, "the server's cursors go in a circle")
		}
		marks[cursor] = struct{}{}
	}
}

func (w *walk[R]) page(ctx context.Context) (listAnswer, error) {
	a, err := w.r.c.Do(ctx, Request{Method: http.MethodGet, Path: w.r.t.endpoint, Query: w.q})
	if err != nil {
		return listAnswer{}, err
	}
	return readList(a.Body)
}

func readList(body []byte) (listAnswer, error) {
	var out listAnswer
	v, err := parseJSON(body, lenient)
	o, ok := v.(*object)
	if err != nil || !ok {
		return out, &Error{Check: CheckAnswer, Public: "the answer is no list", Err: err}
	}
	out.total, out.said = looseInt(o.get("totalResults"))
	out.next = o.text("nextCursor")
	switch list := o.get("Resources").(type) {
	case nil:
		if !out.said && !hasSchema(o, ListResponseURN) {
			return out, refuse(CheckAnswer, "the answer is no list")
		}
	case []any:
		for _, e := range list {
			item, ok := e.(*object)
			if !ok {
				return out, refuse(CheckAnswer, "the answer is a list of something else")
			}
			out.items = append(out.items, item)
		}
	default:
		return out, refuse(CheckAnswer, "the answer is no list")
	}
	return out, nil
}

// take yields what has not come before, and counts what has not come in this
// pass.
func (w *walk[R]) take(page listAnswer) (fresh int, err error) {
	for _, o := range page.items {
		x, err := w.r.resource(o)
		if err != nil {
			return fresh, err
		}
		id := w.r.of(x).Common().ID
		last, before := w.seen[id]
		if before && last == w.pass {
			continue
		}
		w.seen[id] = w.pass
		w.count++
		fresh++
		if before {
			continue
		}
		if !w.yield(x) {
			w.done = true
			return fresh, nil
		}
	}
	return fresh, nil
}
