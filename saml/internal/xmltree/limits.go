// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package xmltree

// Limits bounds a document. A zero field means its default.
type Limits struct {
	// Bytes of the document; 2 MiB.
	Bytes int
	// Depth of nested elements; 64, at most 10,000.
	Depth int
	// Elements in all; 65,536.
	Elements int
	// Attributes of one element, namespace declarations not counted; 64.
	Attributes int
	// Namespaces is how many declarations may be in scope at one element,
	// those that hide others counted; 64.
	Namespaces int
	// Comments and CDATA sections together; 1,024.
	Comments int
	// Signatures is how many ds:Signature elements there may be; 32.
	Signatures int
}

const maxDepth = 10_000

func (l Limits) withDefaults() Limits {
	set := func(p *int, def int) {
		if *p <= 0 {
			*p = def
		}
	}
	set(&l.Bytes, 2<<20)
	set(&l.Depth, 64)
	set(&l.Elements, 1<<16)
	set(&l.Attributes, 64)
	set(&l.Namespaces, 64)
	set(&l.Comments, 1024)
	set(&l.Signatures, 32)
	l.Bytes = min(l.Bytes, 1<<31-1)
	l.Depth = min(l.Depth, maxDepth)
	l.Namespaces = min(l.Namespaces, 1024)
	return l
}

const (
	// maxName bounds the bytes of a name and of a namespace name.
	maxName = 1024
)
