// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// parseJSON reads one JSON text (RFC 8259) within the limits, in linear time.
// It refuses what is ambiguous: invalid UTF-8, half surrogate pairs, and a key
// that an object has twice, whatever the case.
func parseJSON(body []byte, l Limits) (any, error) { return parseText(string(body), l) }

func parseText(body string, l Limits) (any, error) {
	d := decoder{s: body, l: l}
	v, err := d.value()
	if err != nil {
		return nil, err
	}
	if d.space(); d.i < len(d.s) {
		return nil, d.fail("unexpected text behind the JSON")
	}
	return v, nil
}

type decoder struct {
	s      string
	i      int
	l      Limits
	depth  int
	values int
}

// maxKeys bounds the keys of one object, so that looking for doubles is cheap.
const maxKeys = 256

func (d *decoder) fail(reason string) error {
	return refuse(CheckInvalidSyntax, "the body is not valid JSON: at byte "+strconv.Itoa(d.i)+": "+reason)
}

func (d *decoder) over(what string) error {
	return refuse(CheckTooLarge, "the body has "+what)
}

func (d *decoder) space() {
	for d.i < len(d.s) && (d.s[d.i] == ' ' || d.s[d.i] == '\n' || d.s[d.i] == '\r' || d.s[d.i] == '\t') {
		d.i++
	}
}

func (d *decoder) peek() byte {
	if d.i < len(d.s) {
		return d.s[d.i]
	}
	return 0
}

func (d *decoder) value() (any, error) {
	d.space()
	if d.values++; d.values > d.l.Values {
		return nil, d.over("too many values")
	}
	switch c := d.peek(); {
	case c == '{':
		return d.nested(d.object)
	case c == '[':
		return d.nested(d.list)
	case c == '"':
		return d.text()
	case c == '-' || '0' <= c && c <= '9':
		return d.number()
	}
	for _, w := range words {
		if strings.HasPrefix(d.s[d.i:], w.text) {
			d.i += len(w.text)
			return w.value, nil
		}
	}
	return nil, d.fail("a value is expected")
}

var words = []struct {
	text  string
	value any
}{{"true", true}, {"false", false}, {"null", nil}}

func (d *decoder) nested(read func() (any, error)) (any, error) {
	if d.depth++; d.depth > d.l.Depth {
		return nil, refuse(CheckInvalidSyntax, "the body is nested too deeply")
	}
	d.i++
	v, err := read()
	d.depth--
	return v, err
}

func (d *decoder) object() (any, error) {
	o := &object{fields: make([]field, 0, 4)}
	d.space()
	if d.peek() == '}' {
		d.i++
		return o, nil
	}
	for {
		d.space()
		if d.peek() != '"' {
			return nil, d.fail("a key is expected")
		}
		key, err := d.text()
		if err != nil {
			return nil, err
		}
		if len(o.fields) >= maxKeys {
			return nil, d.over("too many keys in one object")
		}
		if o.index(key) >= 0 {
			return nil, d.fail("a key stands twice")
		}
		d.space()
		if d.peek() != ':' {
			return nil, d.fail("a colon is expected")
		}
		d.i++
		v, err := d.value()
		if err != nil {
			return nil, err
		}
		o.add(key, v)
		more, err := d.more('}')
		if err != nil || !more {
			return o, err
		}
	}
}

func (d *decoder) list() (any, error) {
	list := []any{}
	d.space()
	if d.peek() == ']' {
		d.i++
		return list, nil
	}
	for {
		v, err := d.value()
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		more, err := d.more(']')
		if err != nil || !more {
			return list, err
		}
	}
}

func (d *decoder) more(end byte) (bool, error) {
	d.space()
	switch d.peek() {
	case ',':
		d.i++
		return true, nil
	case end:
		d.i++
		return false, nil
	}
	return false, d.fail("a comma or a closing bracket is expected")
}

func (d *decoder) number() (any, error) {
	start := d.i
	for d.i < len(d.s) && strings.IndexByte("+-.eE0123456789", d.s[d.i]) >= 0 {
		d.i++
	}
	if s := d.s[start:d.i]; len(s) <= 64 && validNumber(s) {
		return number(s), nil
	}
	return nil, d.fail("not a number")
}

func validNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	whole := len(s) - len(strings.TrimLeft(s, "0123456789"))
	if whole == 0 || whole > 1 && s[0] == '0' {
		return false
	}
	s = s[whole:]
	if strings.HasPrefix(s, ".") {
		n := len(s[1:]) - len(strings.TrimLeft(s[1:], "0123456789"))
		if n == 0 {
			return false
		}
		s = s[1+n:]
	}
	if s != "" && s[0]|0x20 == 'e' {
		s = s[1:]
		if s != "" && (s[0] == '+' || s[0] == '-') {
			s = s[1:]
		}
		return s != "" && strings.TrimLeft(s, "0123456789") == ""
	}
	return s == ""
}

func (d *decoder) text() (string, error) {
	d.i++
	start := d.i
	var b []byte
	ascii := true
	for d.i < len(d.s) {
		switch c := d.s[d.i]; {
		case c == '"':
			s := d.s[start:d.i]
			if b != nil {
				s = string(b)
			}
			d.i++
			if len(s) > d.l.Text {
				return "", d.over("a text value that is too long")
			}
			if !ascii && !utf8.ValidString(s) {
				return "", d.fail("text is not UTF-8")
			}
			return s, nil
		case c == '\\':
			if b == nil {
				b = append(make([]byte, 0, d.i-start+32), d.s[start:d.i]...)
			}
			r, err := d.escape()
			if err != nil {
				return "", err
			}
			b = utf8.AppendRune(b, r)
		case c < 0x20:
			return "", d.fail("a control character in text")
		default:
			if c >= utf8.RuneSelf {
				ascii = false
			}
			if b != nil {
				b = append(b, c)
			}
			d.i++
		}
	}
	return "", d.fail("a closing quote is missing")
}

func (d *decoder) escape() (rune, error) {
	if d.i+1 < len(d.s) {
		if i := strings.IndexByte(`"\/bfnrt`, d.s[d.i+1]); i >= 0 {
			d.i += 2
			return rune("\"\\/\b\f\n\r\t"[i]), nil
		}
	}
	r, ok := d.hex()
	if !ok {
		return 0, d.fail("not an escape")
	}
	if r == 0 {
		return 0, d.fail("a NUL in text") // PostgreSQL has none
	}
	if utf16.IsSurrogate(r) {
		low, ok := d.hex()
		if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
			return 0, d.fail("half a surrogate pair")
		}
	}
	return r, nil
}

func (d *decoder) hex() (rune, bool) {
	if d.i+6 > len(d.s) || d.s[d.i] != '\\' || d.s[d.i+1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(d.s[d.i+2:d.i+6], 16, 16)
	if err != nil {
		return 0, false
	}
	d.i += 6
	return rune(n), true
}

// appendJSON writes a value.
func appendJSON(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, v)
	case number:
		return append(b, v...)
	case string:
		return appendText(b, v)
	case raw:
		return append(b, v...)
	case []any:
		b = append(b, '[')
		for i := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSON(b, v[i])
		}
		return append(b, ']')
	case *object:
		b = append(b, '{')
		for i := range v.fields {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendText(b, v.fields[i].name), ':')
			b = appendJSON(b, v.fields[i].value)
		}
		return append(b, '}')
	}
	return append(b, "null"...)
}

func appendText(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&' && c != 0x7f {
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		start = i + 1
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}
