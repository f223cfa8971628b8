// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// CSVConfig says how a table of people is read. The zero value will do.
type CSVConfig struct {
	// Columns name the attribute of a column by its heading; an empty name
	// drops the column. Headings that are not here are attribute names
	// themselves: those of [SyncAttributes], "email" and "phone" for the
	// primary work value, the enterprise extension's without its URN, "id" for
	// the source's own id, and "groups" for the names of groups. "manager" holds
	// the id of another row.
	Columns map[string]string

	GroupSeparator string // between names in "groups"; "": ";"
	Comma          rune   // 0: ','
	MaxBytes       int64  // 0: 256 MiB
	MaxRows        int    // 0: 1,000,000
}

// ReadCSV reads a table of people with a heading. The id of a person is the
// column id, or else externalId, or else userName; who has no externalId is
// known to the target by the id. If there is a column "groups", groups are
// made of it, known by their names. Whatever is wrong with a row is an error
// that names its line: half a table is none.
func ReadCSV(r io.Reader, c CSVConfig) (*Snapshot, error) {
	if c.MaxBytes <= 0 {
		c.MaxBytes = 256 << 20
	}
	if c.MaxRows <= 0 {
		c.MaxRows = 1_000_000
	}
	if c.GroupSeparator == "" {
		c.GroupSeparator = ";"
	}
	in := csv.NewReader(&boundedReader{r: r, left: c.MaxBytes})
	in.ReuseRecord = true
	if c.Comma != 0 {
		in.Comma = c.Comma
	}
	t := csvTable{c: c, out: &Snapshot{People: []*User{}}, groups: map[string]*Group{}}
	head, err := in.Read()
	if err != nil {
		return nil, csvError(1, err)
	}
	if err := t.heading(head); err != nil {
		return nil, err
	}
	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			return t.out, nil
		}
		line := 0 // a csv.ParseError has its own
		if err == nil {
			line, _ = in.FieldPos(0)
		}
		if err == nil && len(t.out.People) >= c.MaxRows {
			err = errors.New("too many rows")
		}
		if err == nil {
			err = t.row(row)
		}
		if err != nil {
			return nil, csvError(line, err)
		}
	}
}

func csvError(line int, err error) error {
	public := "the table cannot be read"
	var parse *csv.ParseError
	if !errors.As(err, &parse) && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("line %d: %w", line, err)
	}
	return &Error{Check: CheckSyncSource, Public: public, Err: err}
}

var errTooLong = errors.New("the table is too long")

// boundedReader fails, other than io.LimitReader, when there is more.
type boundedReader struct {
	r    io.Reader
	left int64
}

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, errTooLong
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, errTooLong
	}
	return n, err
}

// csvTable is a table that is being read.
type csvTable struct {
	c       CSVConfig
	columns []csvColumn
	out     *Snapshot
	groups  map[string]*Group
}

// csvColumn puts a column's text where it belongs; nil drops it.
type csvColumn struct {
	kind string // "id", "groups", "email", "phone" or ""
	attr *syncAttribute
}

func (t *csvTable) heading(head []string) error {
	seen := map[string]bool{}
	for i, name := range head {
		if i == 0 {
			name = strings.TrimPrefix(name, "\ufeff")
		}
		if to, ok := t.c.Columns[name]; ok {
			name = to
			if name == "" {
				t.columns = append(t.columns, csvColumn{kind: "drop"})
				continue
			}
		}
		col := csvColumn{kind: strings.ToLower(strings.TrimSpace(name))}
		switch col.kind {
		case "id":
		case "groups":
			t.out.Teams = []*Group{}
		case "email", "phone":
			col.attr = findSyncAttribute(map[string]string{"email": "emails", "phone": "phoneNumbers"}[col.kind])
		default:
			col.attr = findSyncAttribute(col.kind)
			if col.attr == nil {
				col.attr = findSyncAttribute(EnterpriseURN + ":" + col.kind)
			}
			if col.attr == nil || col.attr.values {
				return csvError(1, fmt.Errorf("heading %q is no attribute", name))
			}
			col.kind = ""
		}
		key := col.kind
		if col.attr != nil {
			key = col.attr.path
			t.out.Attributes = append(t.out.Attributes, key)
		}
		if seen[key] {
			return csvError(1, fmt.Errorf("two columns are %q", key))
		}
		seen[key] = true
		t.columns = append(t.columns, col)
	}
	if !seen["userName"] {
		return csvError(1, errors.New("there is no column userName"))
	}
	return nil
}

func (t *csvTable) row(row []string) error {
	o, id, groups := &object{}, "", ""
	for i, text := range row {
		text = strings.TrimSpace(text)
		if !utf8.ValidString(text) || strings.IndexFunc(text, func(r rune) bool { return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0x7f }) >= 0 {
			return fmt.Errorf("column %d is not text in UTF-8", i+1)
		}
		if len(text) > 64<<10 {
			return fmt.Errorf("column %d is too long", i+1)
		}
		if text == "" {
			continue
		}
		switch col := t.columns[i]; {
		case col.kind == "drop":
		case col.kind == "id":
			id = text
		case col.kind == "groups":
			groups = text
		case col.kind == "email", col.kind == "phone":
			col.attr.put(o, []any{obj("value", text, "type", "work", "primary", true)})
		case col.attr.ref:
			col.attr.put(o, obj("value", text))
		case col.attr.active:
			b, err := csvBool(text)
			if err != nil {
				return err
			}
			col.attr.put(o, b)
		default:
			col.attr.put(o, text)
		}
	}
	u := userType().resource(o).(*User)
	if u.UserName == "" {
		return errors.New("userName is empty")
	}
	for _, s := range []string{id, u.ExternalID, u.UserName} {
		if u.ID == "" {
			u.ID = s
		}
	}
	t.out.People = append(t.out.People, u)
	if groups != "" {
		t.join(u.ID, groups)
	}
	return nil
}

func (t *csvTable) join(id, groups string) {
	for name := range strings.SplitSeq(groups, t.c.GroupSeparator) {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		g := t.groups[name]
		if g == nil {
			g = &Group{Base: Base{ID: name}, DisplayName: name}
			t.groups[name] = g
			t.out.Teams = append(t.out.Teams, g)
		}
		if n := len(g.Members); n == 0 || g.Members[n-1].Value != id {
			g.Members = append(g.Members, Member{Value: id, Type: "User"})
		}
	}
}

func csvBool(s string) (bool, error) {
	switch strings.ToLower(s) {
	case "true", "yes", "1", "active":
		return true, nil
	case "false", "no", "0", "inactive":
		return false, nil
	}
	return false, fmt.Errorf("active is %q, neither true nor false", shorten(s, 40))
}
