// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package ststest

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
)

// element is a node of a small tree. Its methods take a nil receiver, so that
// a missing element reads as empty.
type element struct {
	name     xml.Name
	attrs    []xml.Attr
	text     []byte
	children []*element
}

const (
	maxElements = 20_000
	maxDepth    = 64
)

// parse reads a document, without DOCTYPE and processing instructions. It only
// serves to look at octets that xmldsig digested, and at the frame of those
// that it will.
func parse(doc []byte) (*element, error) {
	dec := xml.NewDecoder(bytes.NewReader(doc))
	var root *element
	var stack []*element
	for n := 0; ; {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) && root != nil {
			return root, nil
		}
		if err != nil {
			return nil, err
		}
		switch t := tok.(type) {
		case xml.Directive:
			return nil, errors.New("a directive")
		case xml.ProcInst:
			if t.Target != "xml" {
				return nil, errors.New("a processing instruction")
			}
		case xml.StartElement:
			if n++; n > maxElements || len(stack) == maxDepth || root != nil && len(stack) == 0 {
				return nil, errors.New("too many or too deep elements")
			}
			e := &element{name: t.Name, attrs: t.Attr}
			if len(stack) > 0 {
				p := stack[len(stack)-1]
				p.children = append(p.children, e)
			} else {
				root = e
			}
			stack = append(stack, e)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			if len(stack) > 0 {
				e := stack[len(stack)-1]
				e.text = append(e.text, t...)
			}
		}
	}
}

func (e *element) is(space, local string) bool {
	return e != nil && e.name.Space == space && e.name.Local == local
}

func (e *element) all(space, local string) []*element {
	if e == nil {
		return nil
	}
	var out []*element
	for _, c := range e.children {
		if c.is(space, local) {
			out = append(out, c)
		}
	}
	return out
}

func (e *element) child(space, local string) *element {
	if all := e.all(space, local); len(all) > 0 {
		return all[0]
	}
	return nil
}

// count counts elements of the name at any depth.
func (e *element) count(space, local string) int {
	n := 0
	if e.is(space, local) {
		n++
	}
	if e != nil {
		for _, c := range e.children {
			n += c.count(space, local)
		}
	}
	return n
}

func (e *element) attr(local string) string {
	if e == nil {
		return ""
	}
	for _, a := range e.attrs {
		if a.Name.Space == "" && a.Name.Local == local {
			return a.Value
		}
	}
	return ""
}

func (e *element) value() string {
	if e == nil {
		return ""
	}
	return string(e.text)
}
