// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package hotp

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Limits of one child of a container.
const (
	maxElements   = 256
	maxDepth      = 12
	maxAttributes = 16
)

// element is a part of a document, without comments.
type element struct {
	name     xml.Name
	attrs    []xml.Attr
	data     string // all text directly in it
	children []*element
}

// attr returns an attribute without a namespace. e may be nil.
func (e *element) attr(name string) string {
	if e == nil {
		return ""
	}
	for _, a := range e.attrs {
		if a.Name.Space == "" && a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// all returns the children of a name. The local name decides: RFC 6030's own
// examples have some in no namespace. e may be nil.
func (e *element) all(name string) (out []*element) {
	if e == nil {
		return nil
	}
	for _, c := range e.children {
		if c.name.Local == name {
			out = append(out, c)
		}
	}
	return out
}

// option returns the only child of a name, or nil.
func (e *element) option(name string) (*element, error) {
	found := e.all(name)
	switch len(found) {
	case 0:
		return nil, nil
	case 1:
		return found[0], nil
	}
	return nil, fmt.Errorf("%s is there twice", name)
}

// child follows a path of children, of which each is there once.
func (e *element) child(path ...string) (*element, error) {
	for _, name := range path {
		c, err := e.option(name)
		if err != nil {
			return nil, err
		}
		if c == nil {
			return nil, fmt.Errorf("%s is not there", name)
		}
		e = c
	}
	return e, nil
}

// text returns the trimmed text of a child, empty if it is not there. e may be
// nil.
func (e *element) text(name string) (string, error) {
	c, err := e.option(name)
	if err != nil || c == nil {
		return "", err
	}
	if len(c.children) > 0 {
		return "", fmt.Errorf("%s is not text", name)
	}
	return strings.TrimSpace(c.data), nil
}

// xmlReader reads a document child by child, so that a large one never is in
// memory. DOCTYPE and processing instructions are refused.
type xmlReader struct{ d *xml.Decoder }

func newXMLReader(r io.Reader) xmlReader { return xmlReader{xml.NewDecoder(r)} }

// next returns the next token that is no comment or prologue.
func (x xmlReader) next() (xml.Token, error) {
	for {
		t, err := x.d.Token()
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.Comment:
		case xml.Directive:
			return nil, errors.New("a DOCTYPE or other directive")
		case xml.ProcInst:
			if t.Target != "xml" {
				return nil, errors.New("a processing instruction")
			}
		default:
			return t, nil
		}
	}
}

// document calls root with the document's element without its children, and
// part with each of those.
func (x xmlReader) document(space, name string, root, part func(*element) error) error {
	opened := false
	for {
		t, err := x.next()
		if errors.Is(err, io.EOF) && !opened {
			return io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.CharData:
			if len(strings.TrimSpace(string(t))) > 0 {
				return errors.New("text between elements")
			}
		case xml.EndElement:
			return x.end()
		case xml.StartElement:
			if opened {
				n := 0
				e, err := x.element(t, 0, &n)
				if err != nil {
					return err
				}
				if err := part(e); err != nil {
					return err
				}
				continue
			}
			if t.Name.Space != space || t.Name.Local != name {
				return fmt.Errorf("the document is no %s", name)
			}
			opened = true
			e, err := start(t)
			if err != nil {
				return err
			}
			if err := root(e); err != nil {
				return err
			}
		}
	}
}

// end wants nothing but space after the document.
func (x xmlReader) end() error {
	for {
		t, err := x.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if text, ok := t.(xml.CharData); !ok || len(strings.TrimSpace(string(text))) > 0 {
			return errors.New("something follows the document")
		}
	}
}

func start(t xml.StartElement) (*element, error) {
	if len(t.Attr) > maxAttributes {
		return nil, errors.New("too many attributes")
	}
	for i, a := range t.Attr {
		for _, b := range t.Attr[:i] {
			if a.Name == b.Name {
				return nil, fmt.Errorf("attribute %s is there twice", a.Name.Local)
			}
		}
	}
	return &element{name: t.Name, attrs: t.Copy().Attr}, nil
}

// element reads what t opens, up to its end.
func (x xmlReader) element(t xml.StartElement, depth int, n *int) (*element, error) {
	if *n++; *n > maxElements || depth > maxDepth {
		return nil, errors.New("too many elements or too deep")
	}
	e, err := start(t)
	if err != nil {
		return nil, err
	}
	var data strings.Builder
	for {
		t, err := x.next()
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.CharData:
			data.Write(t)
		case xml.StartElement:
			c, err := x.element(t, depth+1, n)
			if err != nil {
				return nil, err
			}
			e.children = append(e.children, c)
		case xml.EndElement:
			e.data = data.String()
			return e, nil
		}
	}
}
