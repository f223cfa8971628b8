// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package xmltree_test

import (
	"bytes"
	"testing"

	"github.com/gatehouse-id/gatehouse/saml/internal/xmltree"
)

var forms = []xmltree.Form{
	{Exclusive: true},
	{Exclusive: true, Comments: true, Prefixes: []string{"p", "#default"}},
	{},
	{Comments: true},
}

// FuzzParse: whatever is accepted has a canonical form that is accepted too,
// is its own canonical form, and says the same.
func FuzzParse(f *testing.F) {
	for _, tt := range refused {
		if len(tt.in) < 4096 {
			f.Add([]byte(tt.in))
		}
	}
	f.Add([]byte(`<p:r xmlns:p="u:1" xmlns="u:2" ID="x" p:y="&#9;">a<q xmlns="" z=''><![CDATA[&]]><!-- c --></q>&amp;</p:r>`))
	f.Fuzz(func(t *testing.T, in []byte) {
		d, err := xmltree.Parse(in, xmltree.Limits{})
		if err != nil {
			if xmltree.CheckOf(err) == "" || err.Error() == "" {
				t.Fatalf("an error without check: %v", err)
			}
			return
		}
		for _, form := range forms {
			var first, second bytes.Buffer
			if err := d.Root().Canonical(&first, form); err != nil {
				continue // it may be too large
			}
			again, err := xmltree.Parse(first.Bytes(), xmltree.Limits{Bytes: 1 << 30, Elements: 1 << 20})
			if err != nil {
				t.Fatalf("the canonical form is refused: %v\n%s", err, &first)
			}
			if err := again.Root().Canonical(&second, form); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(first.Bytes(), second.Bytes()) {
				t.Fatalf("not canonical:\n%s\n%s", &first, &second)
			}
			same(t, d.Root(), again.Root())
		}
	})
}

// same compares what two trees say.
func same(t *testing.T, a, b xmltree.Node) {
	t.Helper()
	if a.Space() != b.Space() || a.Local() != b.Local() || a.Leaf() != b.Leaf() {
		t.Fatalf("%s in %q is not %s in %q", a.Name(), a.Space(), b.Name(), b.Space())
	}
	n := 0
	for attr := range a.Attrs() {
		n++
		if v, ok := b.AttrNS(attr.Space, attr.Local); !ok || v != attr.Value {
			t.Fatalf("attribute %v is %q", attr, v)
		}
	}
	for range b.Attrs() {
		n--
	}
	if n != 0 {
		t.Fatal("another number of attributes")
	}
	at, aerr := a.Text()
	bt, berr := b.Text()
	if at != bt || (aerr == nil) != (berr == nil) {
		t.Fatalf("text %q is not %q", at, bt)
	}
	for x, y := a.First(), b.First(); x.Exists() || y.Exists(); x, y = x.Next(), y.Next() {
		if !x.Exists() || !y.Exists() {
			t.Fatal("another number of children")
		}
		same(t, x, y)
	}
}
