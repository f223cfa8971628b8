// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package xmltree_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/saml/internal/xmltree"
)

func root(t testing.TB, s string) xmltree.Node {
	t.Helper()
	d, err := xmltree.Parse([]byte(s), xmltree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return d.Root()
}

func TestText(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in, text string
		ok, plain      bool
	}{
		{"plain", `<a>b</a>`, "b", true, true},
		{"empty", `<a/>`, "", true, true},
		{"open and empty", `<a></a>`, "", true, true},
		{"references", `<a>&lt;&#65;</a>`, "<A", true, true},
		{"line ends", "<a>b\r\nc\rd&#13;</a>", "b\nc\nd\r", true, true},
		{"comment does not truncate", `<a>admin<!-- -->.evil</a>`, "admin.evil", true, false},
		{"comment first", `<a><!-- -->b</a>`, "b", true, false},
		{"CDATA", `<a>b<![CDATA[<&amp;]]>c</a>`, "b<&amp;c", true, false},
		{"child", `<a>b<c/>d</a>`, "", false, false},
		{"child only", `<a><c/></a>`, "", false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n := root(t, tt.in)
			got, err := n.Text()
			if got != tt.text || (err == nil) != tt.ok {
				t.Errorf("Text %q, %v", got, err)
			}
			if !tt.ok && xmltree.CheckOf(err) != xmltree.CheckContent {
				t.Errorf("check %q", xmltree.CheckOf(err))
			}
			if _, err := n.PlainText(); (err == nil) != tt.plain {
				t.Errorf("PlainText: %v", err)
			}
		})
	}
}

func names(n xmltree.Node) string {
	var all []string
	for d := range n.Descendants() {
		all = append(all, d.Name())
	}
	return strings.Join(all, " ")
}

func TestNavigate(t *testing.T) {
	t.Parallel()
	n := root(t, `<p:a xmlns:p="u:p" xmlns="u:d" ID="1"> <b ID="2" p:q="&quot;"><c/>x</b><!-- --><d Id="3"><e><f/></e></d><g xmlns=""/></p:a>`)
	if !n.Is("u:p", "a") || n.Name() != "p:a" || n.Space() != "u:p" || n.Local() != "a" {
		t.Errorf("root %s in %s", n.Name(), n.Space())
	}
	if got := names(n); got != "b c d e f g" {
		t.Errorf("descendants %q", got)
	}
	b, d := n.First(), n.Child("u:d", "d")
	if !b.Is("u:d", "b") || !b.Next().Same(d) || !b.Parent().Same(n) || n.Parent().Exists() || n.Next().Exists() {
		t.Error("wrong neighbours")
	}
	if v, ok := b.AttrNS("u:p", "q"); v != `"` || !ok {
		t.Errorf("p:q is %q", v)
	}
	if _, ok := b.Attr("q"); ok {
		t.Error("an attribute without its namespace")
	}
	if got := slices.Collect(b.Attrs()); !slices.Equal(got, []xmltree.Attr{{"", "ID", "2"}, {"u:p", "q", `"`}}) {
		t.Errorf("attributes %v", got)
	}
	if m, ok := n.ByID("3"); !ok || !m.Same(d) {
		t.Error("Id not found")
	}
	if !b.Mixed() || n.Mixed() || !n.Commented() || b.Commented() || b.Leaf() || !b.First().Leaf() {
		t.Error("wrong content")
	}
	if !n.Child("", "g").Exists() || n.Child("u:d", "g").Exists() || n.Child("u:d", "c").Exists() {
		t.Error("wrong children")
	}
	if n.ContentOffset() != strings.Index(`<p:a xmlns:p="u:p" xmlns="u:d" ID="1"> `, "> ")+1 || d.First().First().ContentOffset() != -1 {
		t.Error("wrong content offsets")
	}
}

// A view shows what it is of, and nothing around or left out.
func TestViews(t *testing.T) {
	t.Parallel()
	n := root(t, `<a><b><x ID="1"><y ID="2"/></x><c ID="3"><x/></c></b><d ID="4"/></a>`)
	b := n.First()
	v := b.Without(b.First())
	if got := names(v); got != "c x" {
		t.Errorf("descendants %q", got)
	}
	if v.Parent().Exists() || v.Next().Exists() || !v.First().Is("", "c") {
		t.Error("seen around the view")
	}
	if c := v.First(); !c.Parent().Same(b) || c.Parent().Parent().Exists() || !c.Parent().First().Same(c) {
		t.Error("the view is lost on the way")
	}
	for id, want := range map[string]bool{"1": false, "2": false, "3": true, "4": false, "5": false} {
		if _, ok := v.ByID(id); ok != want {
			t.Errorf("ID %s: %v", id, ok)
		}
	}
	var got bytes.Buffer
	if err := v.Canonical(&got, xmltree.Form{}); err != nil || got.String() != `<b><c ID="3"><x></x></c></b>` {
		t.Errorf("canonical %s, %v", &got, err)
	}
	if n.Without(b.First()).Exists() || n.Without(root(t, `<a/>`)).Exists() {
		t.Error("left out what is no child")
	}
}

// The zero Node answers everything.
func TestZero(t *testing.T) {
	t.Parallel()
	var n xmltree.Node
	_, attr := n.Attr("a")
	_, err := n.Text()
	_, id := n.ByID("")
	if n.Exists() || n.Name() != "" || n.Local() != "" || n.Space() != "" || n.Is("", "") || n.Mixed() || n.Commented() ||
		!n.Leaf() || n.First().Exists() || n.Next().Exists() || n.Parent().Exists() || n.Child("", "").Exists() || attr || id || err == nil ||
		n.Without(n).Exists() || n.Contains(n) || names(n) != "" || len(slices.Collect(n.Attrs())) > 0 || n.Offset()+n.End() != 0 {
		t.Error("the zero Node is something")
	}
	if err := n.Canonical(&bytes.Buffer{}, xmltree.Form{}); xmltree.CheckOf(err) != xmltree.CheckCanonical {
		t.Errorf("canonical: %v", err)
	}
	if _, err := xmltree.ParseIn([]byte(`<a/>`), n, xmltree.Limits{}); err != nil {
		t.Errorf("ParseIn: %v", err)
	}
}

func TestMixed(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]bool{
		"<a/>": false, "<a> \r\n<b/>\t</a>": false, "<a>&#xD;\n<b/></a>": false, "<a><!-- --></a>": false,
		"<a>x<b/></a>": true, "<a>&#120;</a>": true, "<a>\u00a0</a>": true, "<a><![CDATA[]]></a>": true,
	} {
		if got := root(t, in).Mixed(); got != want {
			t.Errorf("%q: %v", in, got)
		}
	}
}

func TestParseIn(t *testing.T) {
	t.Parallel()
	scope := root(t, `<r xmlns="u:d" xmlns:p="u:p" xmlns:q="u:0" ID="i"><s xmlns:q="u:q" xmlns:xml="http://www.w3.org/XML/1998/namespace"><t/></s></r>`).First()
	d, err := xmltree.ParseIn([]byte(`<p:a ID="i" q:b=""><c xmlns:p="u:p2"/></p:a>`), scope, xmltree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	n := d.Root()
	if v, ok := n.AttrNS("u:q", "b"); !n.Is("u:p", "a") || !ok || v != "" || !n.First().Is("u:d", "c") {
		t.Error("prefixes do not resolve")
	}
	for want, f := range map[string]xmltree.Form{
		`<p:a xmlns:p="u:p" xmlns:q="u:q" ID="i" q:b=""><c xmlns="u:d"></c></p:a>`:                {Exclusive: true},
		`<p:a xmlns="u:d" xmlns:p="u:p" xmlns:q="u:q" ID="i" q:b=""><c xmlns:p="u:p2"></c></p:a>`: {},
	} {
		var got bytes.Buffer
		if err := n.Canonical(&got, f); err != nil || got.String() != want {
			t.Errorf("canonical %s, %v\nwant %s", &got, err, want)
		}
	}
}

// What is repeated in the canonical form is bounded by what was sent.
func TestCanonicalBound(t *testing.T) {
	t.Parallel()
	n := root(t, `<a xmlns:p="u:`+strings.Repeat("x", 1000)+`">`+strings.Repeat(`<p:b/>`, 20_000)+`</a>`)
	var got bytes.Buffer
	if err := n.Canonical(&got, xmltree.Form{Exclusive: true}); xmltree.CheckOf(err) != xmltree.CheckCanonical || got.Len() > 2<<20 {
		t.Errorf("%d bytes, %v", got.Len(), err)
	}
}

func TestBase64(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"": "", "YWI=": "ab", " Y\tW\r\nI = ": "ab"} {
		if got, err := xmltree.Base64(in); string(got) != want || err != nil {
			t.Errorf("%q is %q, %v", in, got, err)
		}
	}
	for _, in := range []string{"YWJ", "YWI=YWI=", "YW-_", "YWJ=", "=", "YW I\u00a0="} {
		if got, err := xmltree.Base64(in); err == nil {
			t.Errorf("%q is %q", in, got)
		}
	}
}
