// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"fmt"
	"strconv"
	"strings"
)

// Column is where a value lives in a database.
type Column struct {
	// Expr is the column, for example "u.email". It stands in the SQL as it is
	// and must never come from a request.
	Expr string
	Kind Kind // Text if it is Null

	// Folded says that a text column holds [Fold] of the value. Of a column that
	// does not, SQL takes lower(Expr), where the attribute is not case-exact:
	// have an index on that expression, and know that lower folds ASCII only
	// in SQLite.
	Folded bool

	// Exists makes this a multi-valued complex attribute in a table of its own:
	// a subquery that ends where the condition follows, such as
	// "SELECT 1 FROM emails e WHERE e.user_id = u.id AND". The columns of its
	// sub-attributes are given under "emails.value" and the like.
	Exists string

	// In, if it is set, is a column such as "u.id" that must be among what the
	// subquery selects, which is "SELECT e.user_id FROM emails e WHERE" then: it
	// is answered from an index of the other table.
	In string

	// Arg turns a value into what the driver takes; nil means string, bool,
	// float64 and time.Time.
	Arg func(Value) any
}

// Columns maps attribute paths, in the schema's spelling, to columns.
type Columns map[string]Column

// UnmappedError says that a filter asks for what the columns do not have.
type UnmappedError struct {
	Path string
	Why  string
}

func (e *UnmappedError) Error() string { return fmt.Sprintf("filter: %s %s", e.Path, e.Why) }

// SQL compiles a filter to a condition with arguments for the placeholders $n
// and up, in SQL that SQLite and PostgreSQL share. Values are always arguments.
// What has no column is an [UnmappedError].
func SQL(e Expr, columns Columns, n int) (where string, args []any, err error) {
	c := compiler{columns: columns, n: n}
	if e == nil {
		return "1 = 1", nil, nil
	}
	if where, err = c.expr(e, ""); err != nil {
		return "", nil, err
	}
	return where, c.args, nil
}

type compiler struct {
	columns Columns
	n       int
	args    []any
}

func (c *compiler) arg(v any) string {
	c.args = append(c.args, v)
	c.n++
	return "$" + strconv.Itoa(c.n-1)
}

func (c *compiler) expr(e Expr, within string) (string, error) {
	switch e := e.(type) {
	case *And:
		return c.list(e.Terms, " AND ", within)
	case *Or:
		return c.list(e.Terms, " OR ", within)
	case *Not:
		s, err := c.expr(e.Term, within)
		return "NOT " + s, err
	case *Within:
		table, ok := c.columns[e.Path.String()]
		if !ok || table.Exists == "" {
			return "", &UnmappedError{e.Path.String(), "cannot be filtered by its elements"}
		}
		s, err := c.expr(e.Filter, e.Path.String()+".")
		return table.exists(s), err
	case *Present:
		return c.leaf(e.Path, within, func(col Column) (string, error) {
			return "(" + col.Expr + " IS NOT NULL" + notEmpty(col) + ")", nil
		})
	case *Compare:
		if e.Value.Kind == Null {
			s, err := c.expr(&Present{e.Path}, within)
			if e.Op == Eq {
				s = "NOT " + s
			}
			return s, err
		}
		if e.Op == Ne {
			return c.notEqual(e, within)
		}
		return c.leaf(e.Path, within, func(col Column) (string, error) { return c.compare(e, col) })
	}
	return "", &UnmappedError{e.String(), "is not a filter"}
}

func notEmpty(col Column) string {
	if col.Kind == Text || col.Kind == Null {
		return " AND " + col.Expr + " <> ''"
	}
	return ""
}

func (c *compiler) list(terms []Expr, op, within string) (string, error) {
	parts := make([]string, len(terms))
	for i, t := range terms {
		s, err := c.expr(t, within)
		if err != nil {
			return "", err
		}
		parts[i] = s
	}
	return "(" + strings.Join(parts, op) + ")", nil
}

// leaf finds the column of a path and puts the table of its attribute around
// the condition, if it has one.
func (c *compiler) leaf(p Path, within string, condition func(Column) (string, error)) (string, error) {
	name := within + p.String()
	col, ok := c.columns[name]
	if !ok || col.Expr == "" {
		if ok && col.Exists != "" {
			return col.exists("1 = 1"), nil
		}
		return "", &UnmappedError{name, "cannot be filtered by"}
	}
	s, err := condition(col)
	if err != nil || within != "" || p.Sub == "" {
		return s, err
	}
	if table := c.columns[Path{URN: p.URN, Name: p.Name}.String()]; table.Exists != "" {
		s = table.exists(s)
	}
	return s, nil
}

func (col Column) exists(condition string) string {
	if col.In != "" {
		return col.In + " IN (" + col.Exists + " " + condition + ")"
	}
	return "EXISTS (" + col.Exists + " " + condition + ")"
}

// notEqual is true where there is no value, and where any value differs.
func (c *compiler) notEqual(e *Compare, within string) (string, error) {
	differs, err := c.leaf(e.Path, within, func(col Column) (string, error) {
		x, v, err := c.sides(e, col)
		return "(" + x + " <> " + v + ")", err
	})
	if err != nil {
		return "", err
	}
	some, err := c.leaf(e.Path, within, func(col Column) (string, error) { return "(" + col.Expr + " IS NOT NULL)", nil })
	return "(" + differs + " OR NOT " + some + ")", err
}

// sides renders column and argument so that they compare as the attribute does.
func (c *compiler) sides(e *Compare, col Column) (x, v string, err error) {
	kind := col.Kind
	if kind == Null {
		kind = Text
	}
	if e.Value.Kind != kind {
		return "", "", &UnmappedError{e.Path.String(), "has values of another type"}
	}
	x, value := col.Expr, e.Value
	if kind == Text && !e.CaseExact {
		value.Text = Fold(value.Text)
		if !col.Folded {
			x = "lower(" + x + ")"
		}
	}
	return x, c.arg(col.arg(value)), nil
}

func (col Column) arg(v Value) any {
	if col.Arg != nil {
		return col.Arg(v)
	}
	switch v.Kind {
	case Number:
		return v.Num
	case Bool:
		return v.Bool
	case Time:
		return v.Time
	}
	return v.Text
}

// compare makes a condition that is never NULL, so that NOT means not. Text
// is searched by replace and substr, because LIKE differs between databases.
func (c *compiler) compare(e *Compare, col Column) (string, error) {
	x, v, err := c.sides(e, col)
	if err != nil {
		return "", err
	}
	text := func(v string) string { return "CAST(" + v + " AS TEXT)" }
	present := " AND " + col.Expr + " IS NOT NULL)"
	switch e.Op {
	case Eq:
		return "(" + x + " = " + v + present, nil
	case Gt:
		return "(" + x + " > " + v + present, nil
	case Ge:
		return "(" + x + " >= " + v + present, nil
	case Lt:
		return "(" + x + " < " + v + present, nil
	case Le:
		return "(" + x + " <= " + v + present, nil
	case Co:
		if e.Value.Text == "" {
			return "(" + x + " = " + x + present, nil
		}
		return "(replace(" + x + ", " + text(v) + ", '') <> " + x + present, nil
	case Sw:
		return "(substr(" + x + ", 1, length(" + text(v) + ")) = " + text(v) + present, nil
	case Ew:
		return "(length(" + x + ") >= length(" + text(v) + ") AND substr(" + x + ", length(" + x + ") - length(" + text(v) + ") + 1) = " + text(v) + present, nil
	}
	return "", &UnmappedError{e.Path.String(), "cannot be compared by " + string(e.Op)}
}
