// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package webauthn

import (
	"encoding/base64"
	"errors"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/gatehouse-id/gatehouse/mfa"
)

// The reader below is strict where encoding/json is lenient: names are
// compared exactly, a repeated name is an error, and text is valid UTF-8. Two
// readers of the same bytes must not see two challenges.

const (
	maxJSONDepth   = 12
	maxJSONNodes   = 1024
	maxJSONMembers = 64
)

var errJSON = errors.New("malformed JSON")

// node is a JSON value. Text aliases the input where it can.
type node struct {
	kind    byte     // one of { [ " 0 t f n
	text    []byte   // of a string, unescaped
	members []member // of an object, and the unnamed ones of an array
}

type member struct {
	name  []byte
	value node
}

// noNode stands for what is not there. It is never written.
var noNode node

// get returns the member of an object, or a node of kind 0.
func (n *node) get(name string) *node {
	if n.kind != '{' {
		return &noNode
	}
	for i := range n.members {
		if string(n.members[i].name) == name {
			return &n.members[i].value
		}
	}
	return &noNode
}

// str returns the text of a string member.
func (n *node) str(name string) ([]byte, error) {
	v := n.get(name)
	if v.kind != '"' {
		return nil, refusal(CheckJSON, "member %q is no string", name)
	}
	return v.text, nil
}

// bytes returns a member that holds base64url without padding, in the one
// encoding that its bytes have.
func (n *node) bytes(name string) ([]byte, error) {
	text, err := n.str(name)
	if err != nil {
		return nil, err
	}
	b, ok := decode64(text)
	if !ok {
		return nil, refusal(CheckJSON, "member %q is not base64url", name)
	}
	return b, nil
}

// absent reports whether a member is left out or null.
func (n *node) absent(name string) bool {
	k := n.get(name).kind
	return k == 0 || k == 'n'
}

var strict64 = base64.RawURLEncoding.Strict()

func decode64(text []byte) ([]byte, bool) {
	for _, c := range text {
		if c == '\r' || c == '\n' { // which package base64 skips
			return nil, false
		}
	}
	b := make([]byte, strict64.DecodedLen(len(text)))
	n, err := strict64.Decode(b, text)
	return b[:n], err == nil
}

// parseObject reads exactly one JSON object.
func parseObject(data []byte) (node, error) {
	if len(data) > mfa.MaxAnswer {
		return node{}, refusal(CheckJSON, "%d bytes of JSON are too many", len(data))
	}
	p := jsonParser{in: data}
	n, err := p.value(0)
	if err != nil {
		return node{}, refusal(CheckJSON, "%w at byte %d", err, p.at)
	}
	p.space()
	if p.at != len(p.in) {
		return node{}, refusal(CheckJSON, "bytes follow the JSON value at %d", p.at)
	}
	if n.kind != '{' {
		return node{}, refusal(CheckJSON, "the JSON value is no object")
	}
	return n, nil
}

type jsonParser struct {
	in    []byte
	at    int
	nodes int
}

func (p *jsonParser) space() {
	for p.at < len(p.in) {
		switch p.in[p.at] {
		case ' ', '\t', '\r', '\n':
			p.at++
		default:
			return
		}
	}
}

// next skips space and returns the byte there, 0 at the end.
func (p *jsonParser) next() byte {
	p.space()
	if p.at == len(p.in) {
		return 0
	}
	return p.in[p.at]
}

func (p *jsonParser) value(depth int) (node, error) {
	if p.nodes++; p.nodes > maxJSONNodes || depth > maxJSONDepth {
		return node{}, errors.New("too large JSON")
	}
	switch c := p.next(); {
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.array(depth)
	case c == '"':
		text, err := p.text()
		return node{kind: '"', text: text}, err
	case c == '-' || c >= '0' && c <= '9':
		start := p.at
		err := p.number()
		return node{kind: '0', text: p.in[start:p.at]}, err
	}
	for _, word := range [...]string{"true", "false", "null"} {
		if end := p.at + len(word); end <= len(p.in) && string(p.in[p.at:end]) == word {
			p.at = end
			return node{kind: word[0]}, nil
		}
	}
	return node{}, errJSON
}

func (p *jsonParser) object(depth int) (node, error) {
	n := node{kind: '{'}
	p.at++
	if p.next() == '}' {
		p.at++
		return n, nil
	}
	room := 4 // what the ceremonies' inner objects have
	if depth == 0 {
		room = 6 // and the answers themselves
	}
	n.members = make([]member, 0, room)
	for {
		if p.next() != '"' {
			return n, errJSON
		}
		name, err := p.text()
		if err != nil {
			return n, err
		}
		for i := range n.members {
			if string(n.members[i].name) == string(name) {
				return n, errors.New("duplicate member")
			}
		}
		if len(n.members) == maxJSONMembers {
			return n, errors.New("too many members")
		}
		if p.next() != ':' {
			return n, errJSON
		}
		p.at++
		v, err := p.value(depth + 1)
		if err != nil {
			return n, err
		}
		n.members = append(n.members, member{name, v})
		switch p.next() {
		case ',':
			p.at++
		case '}':
			p.at++
			return n, nil
		default:
			return n, errJSON
		}
	}
}

func (p *jsonParser) array(depth int) (node, error) {
	n := node{kind: '['}
	p.at++
	if p.next() == ']' {
		p.at++
		return n, nil
	}
	for {
		v, err := p.value(depth + 1)
		if err != nil {
			return n, err
		}
		n.members = append(n.members, member{value: v})
		switch p.next() {
		case ',':
			p.at++
		case ']':
			p.at++
			return n, nil
		default:
			return n, errJSON
		}
	}
}

// text reads a string. Without escapes the result aliases the input.
func (p *jsonParser) text() ([]byte, error) {
	p.at++
	start := p.at
	for p.at < len(p.in) {
		switch c := p.in[p.at]; {
		case c == '"':
			text := p.in[start:p.at]
			p.at++
			if !utf8.Valid(text) {
				return nil, errors.New("text is not UTF-8")
			}
			return text, nil
		case c == '\\':
			return p.escaped(start)
		case c < 0x20:
			return nil, errJSON
		}
		p.at++
	}
	return nil, errJSON
}

// escaped goes on with a string from its first backslash.
func (p *jsonParser) escaped(start int) ([]byte, error) {
	text := append([]byte(nil), p.in[start:p.at]...)
	for p.at < len(p.in) {
		c := p.in[p.at]
		p.at++
		switch {
		case c == '"':
			if !utf8.Valid(text) {
				return nil, errors.New("text is not UTF-8")
			}
			return text, nil
		case c < 0x20:
			return nil, errJSON
		case c != '\\':
			text = append(text, c)
			continue
		}
		if p.at == len(p.in) {
			break
		}
		c = p.in[p.at]
		p.at++
		switch c {
		case '"', '\\', '/':
			text = append(text, c)
		case 'b':
			text = append(text, '\b')
		case 'f':
			text = append(text, '\f')
		case 'n':
			text = append(text, '\n')
		case 'r':
			text = append(text, '\r')
		case 't':
			text = append(text, '\t')
		case 'u':
			r, err := p.unicode()
			if err != nil {
				return nil, err
			}
			text = utf8.AppendRune(text, r)
		default:
			return nil, errJSON
		}
	}
	return nil, errJSON
}

// unicode reads what follows \u, a surrogate pair as one. Half a pair is no
// text.
func (p *jsonParser) unicode() (rune, error) {
	r, err := p.hex4()
	if err != nil || !utf16.IsSurrogate(r) {
		return r, err
	}
	if p.at+2 > len(p.in) || p.in[p.at] != '\\' || p.in[p.at+1] != 'u' {
		return 0, errJSON
	}
	p.at += 2
	low, err := p.hex4()
	if err != nil {
		return 0, err
	}
	if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
		return 0, errJSON
	}
	return r, nil
}

func (p *jsonParser) hex4() (rune, error) {
	if p.at+4 > len(p.in) {
		return 0, errJSON
	}
	var r rune
	for _, c := range p.in[p.at : p.at+4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, errJSON
		}
		r = r<<4 | rune(c)
	}
	p.at += 4
	return r, nil
}

// number reads past a number; nothing here needs its value but as text.
func (p *jsonParser) number() error {
	if p.in[p.at] == '-' {
		p.at++
	}
	if p.at < len(p.in) && p.in[p.at] == '0' {
		p.at++
	} else if !p.digits() {
		return errJSON
	}
	if p.at < len(p.in) && p.in[p.at] == '.' {
		p.at++
		if !p.digits() {
			return errJSON
		}
	}
	if p.at < len(p.in) && (p.in[p.at] == 'e' || p.in[p.at] == 'E') {
		p.at++
		if p.at < len(p.in) && (p.in[p.at] == '+' || p.in[p.at] == '-') {
			p.at++
		}
		if !p.digits() {
			return errJSON
		}
	}
	return nil
}

func (p *jsonParser) digits() bool {
	start := p.at
	for p.at < len(p.in) && p.in[p.at] >= '0' && p.in[p.at] <= '9' {
		p.at++
	}
	return p.at > start
}
