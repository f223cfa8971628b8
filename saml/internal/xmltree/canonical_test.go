// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package xmltree_test

import (
	"bytes"
	"testing"

	"github.com/gatehouse-id/gatehouse/saml/internal/xmltree"
)

func TestCanonical(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in, at string
		form         xmltree.Form
		want         string
	}{
		{
			name: "exclusive takes what is used",
			in:   `<a:r xmlns:a="u:a" xmlns:b="u:b" xmlns:c="u:c"><a:x ID="x" b:y='1' z="&quot;&#9;"/></a:r>`,
			at:   "x", form: xmltree.Form{Exclusive: true},
			want: `<a:x xmlns:a="u:a" xmlns:b="u:b" ID="x" z="&quot;&#x9;" b:y="1"></a:x>`,
		},
		{
			name: "prefix list",
			in:   `<a:r xmlns:a="u:a" xmlns="u:d" xmlns:c="u:c"><a:x ID="x"><a:y xmlns:c="u:c2"/></a:x></a:r>`,
			at:   "x", form: xmltree.Form{Exclusive: true, Prefixes: []string{"c", "#default"}},
			want: `<a:x xmlns="u:d" xmlns:a="u:a" xmlns:c="u:c" ID="x"><a:y xmlns:c="u:c2"></a:y></a:x>`,
		},
		{
			name: "inclusive takes all",
			in:   `<a:r xmlns:a="u:a" xmlns="u:d" xml:lang="en" xmlns:c="u:c"><a:x ID="x" c:z=""><y xmlns="" xmlns:c="u:c"/></a:x></a:r>`,
			at:   "x",
			want: `<a:x xmlns="u:d" xmlns:a="u:a" xmlns:c="u:c" ID="x" xml:lang="en" c:z=""><y xmlns=""></y></a:x>`,
		},
		{
			name: "characters",
			in:   "<x ID=\"x\">a\r\nb\rc&#13;&amp;&lt;&gt;>\"'<![CDATA[<&>\r\n]]><!-- c -->&#x10FFFF;</x>",
			at:   "x", form: xmltree.Form{Exclusive: true},
			want: "<x ID=\"x\">a\nb\nc&#xD;&amp;&lt;&gt;&gt;\"'&lt;&amp;&gt;\n\U0010FFFF</x>",
		},
		{
			name: "comments",
			in:   "<x ID=\"x\">a<!-- c\r\n -->b</x>",
			at:   "x", form: xmltree.Form{Comments: true},
			want: "<x ID=\"x\">a<!-- c\n -->b</x>",
		},
		{
			name: "default namespace undone and redone",
			in:   `<x ID="x" xmlns="u:d"><y xmlns=""><z xmlns="u:d"/></y><y xmlns="u:d"/></x>`,
			at:   "x", form: xmltree.Form{Exclusive: true},
			want: `<x xmlns="u:d" ID="x"><y xmlns=""><z xmlns="u:d"></z></y><y></y></x>`,
		},
		{
			name: "attribute values",
			in:   "<x ID='x' a='\"' b=\"a\r\nb\tc&#10;&lt;>\"/>",
			at:   "x",
			want: "<x ID=\"x\" a=\"&quot;\" b=\"a b c&#xA;&lt;>\"></x>",
		},
		{
			name: "namespace names with references",
			in:   `<x ID="x" xmlns="u:&amp;a&#38;b'"/>`,
			at:   "x",
			want: `<x xmlns="u:&amp;a&amp;b'" ID="x"></x>`,
		},
		{
			name: "a prefix bound anew",
			in:   `<p:x ID="x" xmlns:p="u:1"><q:y xmlns:q="u:q" xmlns:p="u:2"><p:z/></q:y><p:z/></p:x>`,
			at:   "x", form: xmltree.Form{Exclusive: true},
			want: `<p:x xmlns:p="u:1" ID="x"><q:y xmlns:q="u:q"><p:z xmlns:p="u:2"></p:z></q:y><p:z></p:z></p:x>`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d, err := xmltree.Parse([]byte(tt.in), xmltree.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			n, ok := d.ByID(tt.at)
			if !ok {
				t.Fatal("no such element")
			}
			var got bytes.Buffer
			if err := n.Canonical(&got, tt.form); err != nil {
				t.Fatal(err)
			}
			if got.String() != tt.want {
				t.Errorf("got  %s\nwant %s", &got, tt.want)
			}
		})
	}
}
