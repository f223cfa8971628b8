// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package xmltree_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/saml/internal/xmltree"
)

// refused are documents with the check that refuses each; accepted controls
// have the check "".
var refused = []struct {
	name string
	in   string
	want xmltree.Check
}{
	{"control", `<a/>`, ""},
	{"declaration", `<?xml version="1.0" encoding='utf-8' standalone="yes"?><a/>`, ""},
	{"byte order mark", "\uFEFF<a/>", ""},
	{"white space around", " \r\n<a/>\t\n", ""},
	{"comments around", `<!-- - --><a/><!---->`, ""},

	{"empty", ``, xmltree.CheckSyntax},
	{"text only", `a`, xmltree.CheckSyntax},
	{"no root", `<!-- -->`, xmltree.CheckSyntax},
	{"two roots", `<a/><b/>`, xmltree.CheckSyntax},
	{"trailing text", `<a/>b`, xmltree.CheckSyntax},
	{"leading text", `b<a/>`, xmltree.CheckSyntax},
	{"trailing NUL", "<a/>\x00", xmltree.CheckSyntax},
	{"trailing CDATA", "<a/><![CDATA[]]>", xmltree.CheckSyntax},
	{"trailing reference", "<a/>&#32;", xmltree.CheckSyntax},
	{"unclosed", `<a>`, xmltree.CheckSyntax},
	{"unclosed tag", `<a`, xmltree.CheckSyntax},
	{"unclosed value", `<a b="`, xmltree.CheckSyntax},
	{"only a bracket", `<`, xmltree.CheckSyntax},
	{"wrong end", `<a></b>`, xmltree.CheckSyntax},
	{"longer end", `<a></ab>`, xmltree.CheckSyntax},
	{"end only", `</a>`, xmltree.CheckSyntax},
	{"end too many", `<a/></a>`, xmltree.CheckSyntax},
	{"end with attribute", `<a></a b="">`, xmltree.CheckSyntax},
	{"crossed", `<a><b></a></b>`, xmltree.CheckSyntax},
	{"end with another prefix", `<p:a xmlns:p="u:1" xmlns:q="u:1"></q:a>`, xmltree.CheckSyntax},
	{"slash in tag", `<a / >`, xmltree.CheckSyntax},
	{"no space between attributes", `<a b=""c=""/>`, xmltree.CheckSyntax},
	{"no value", `<a b/>`, xmltree.CheckSyntax},
	{"unquoted value", `<a b=c/>`, xmltree.CheckSyntax},
	{"bracket in value", `<a b="<"/>`, xmltree.CheckSyntax},
	{"name begins with digit", `<1a/>`, xmltree.CheckSyntax},
	{"name begins with hyphen", `<-a/>`, xmltree.CheckSyntax},
	{"name begins with space", `< a/>`, xmltree.CheckSyntax},
	{"combining mark first", "<\u0301a/>", xmltree.CheckSyntax},
	{"control character", "<a>\x01</a>", xmltree.CheckSyntax},
	{"control character in value", "<a b='\x1f'/>", xmltree.CheckSyntax},
	{"control character in comment", "<a><!--\x02--></a>", xmltree.CheckSyntax},
	{"control character in CDATA", "<a><![CDATA[\x0b]]></a>", xmltree.CheckSyntax},
	{"noncharacter", "<a>\uFFFE</a>", xmltree.CheckSyntax},
	{"noncharacter in value", "<a b='\uFFFF'/>", xmltree.CheckSyntax},
	{"noncharacter in comment", "<a><!--\uFFFF--></a>", xmltree.CheckSyntax},
	{"control", "<a>\uFFFD\uF000</a>", ""},
	{"reference to NUL", `<a>&#0;</a>`, xmltree.CheckSyntax},
	{"reference to a surrogate", `<a>&#xD800;</a>`, xmltree.CheckSyntax},
	{"reference beyond Unicode", `<a>&#x110000;</a>`, xmltree.CheckSyntax},
	{"reference that overflows", `<a>&#4294967361;</a>`, xmltree.CheckSyntax},
	{"reference without digits", `<a>&#;</a>`, xmltree.CheckSyntax},
	{"reference with X", `<a>&#X41;</a>`, xmltree.CheckSyntax},
	{"bare ampersand", `<a>& </a>`, xmltree.CheckSyntax},
	{"]]> in text", `<a>]]></a>`, xmltree.CheckSyntax},
	{"control", `<a>]]</a>`, ""},
	{"double hyphen in comment", `<a><!-- -- --></a>`, xmltree.CheckSyntax},
	{"comment ends with hyphen", `<a><!-- ---></a>`, xmltree.CheckSyntax},
	{"unclosed comment", `<a><!-- </a>`, xmltree.CheckSyntax},
	{"short comment", `<a><!--></a>`, xmltree.CheckSyntax},
	{"unclosed CDATA", `<a><![CDATA[ ]]</a>`, xmltree.CheckSyntax},
	{"conditional section", `<a><![INCLUDE[ ]]></a>`, xmltree.CheckSyntax},
	{"lower-case CDATA", `<a><![cdata[ ]]></a>`, xmltree.CheckSyntax},

	{"XML 1.1", `<?xml version="1.1"?><a/>`, xmltree.CheckSyntax},
	{"no version", `<?xml encoding="UTF-8"?><a/>`, xmltree.CheckSyntax},
	{"declaration with more", `<?xml version="1.0" foo="1"?><a/>`, xmltree.CheckSyntax},
	{"declaration out of order", `<?xml version="1.0" standalone="yes" encoding="UTF-8"?><a/>`, xmltree.CheckSyntax},
	{"unclosed declaration", `<?xml version="1.0"`, xmltree.CheckSyntax},

	{"Latin-1 declared", `<?xml version="1.0" encoding="ISO-8859-1"?><a/>`, xmltree.CheckEncoding},
	{"UTF-7 declared", `<?xml version="1.0" encoding="UTF-7"?><a/>`, xmltree.CheckEncoding},
	{"UTF-16", "\xFE\xFF\x00<\x00a\x00/\x00>", xmltree.CheckEncoding},
	{"Latin-1", "<a>\xE9</a>", xmltree.CheckEncoding},
	{"overlong", "<a>\xC0\xBC</a>", xmltree.CheckEncoding},
	{"surrogate in UTF-8", "<a>\xED\xA0\x80</a>", xmltree.CheckEncoding},

	{"DOCTYPE", `<!DOCTYPE a><a/>`, xmltree.CheckDoctype},
	{"DOCTYPE with default attributes", `<!DOCTYPE a [<!ATTLIST a ID CDATA "x">]><a/>`, xmltree.CheckDoctype},
	{"external entity", `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>`, xmltree.CheckDoctype},
	{"entity declaration within", `<a><!ENTITY x "y"></a>`, xmltree.CheckDoctype},
	{"undeclared entity", `<a>&nbsp;</a>`, xmltree.CheckDoctype},
	{"undeclared entity in value", `<a b="&x;"/>`, xmltree.CheckDoctype},

	{"instruction before", `<?php ?><a/>`, xmltree.CheckInstruction},
	{"stylesheet", `<?xml-stylesheet href="x"?><a/>`, xmltree.CheckInstruction},
	{"instruction within", `<a><?x?></a>`, xmltree.CheckInstruction},
	{"instruction after", `<a/><?x?>`, xmltree.CheckInstruction},
	{"late declaration", ` <?xml version="1.0"?><a/>`, xmltree.CheckInstruction},
	{"second declaration", `<?xml version="1.0"?><?xml version="1.0"?><a/>`, xmltree.CheckInstruction},

	{"undeclared prefix", `<p:a/>`, xmltree.CheckNamespace},
	{"undeclared attribute prefix", `<a p:b=""/>`, xmltree.CheckNamespace},
	{"prefix out of scope", `<a><b xmlns:p="u:1"/><p:c/></a>`, xmltree.CheckNamespace},
	{"prefix of a sibling's child", `<a><b xmlns:p="u:1"><p:c/></b><p:c/></a>`, xmltree.CheckNamespace},
	{"prefix undeclared", `<a xmlns:p="u:1"><p:b xmlns:p=""/></a>`, xmltree.CheckNamespace},
	{"relative namespace", `<a xmlns="foo"/>`, xmltree.CheckNamespace},
	{"relative namespace path", `<a xmlns:p="../x"/>`, xmltree.CheckNamespace},
	{"relative by reference", `<a xmlns="&#102;oo"/>`, xmltree.CheckNamespace},
	{"namespace with a space", `<a xmlns="u: "/>`, xmltree.CheckNamespace},
	{"namespace with a bracket", `<a xmlns="u:&lt;"/>`, xmltree.CheckNamespace},
	{"namespace without scheme", `<a xmlns=":x"/>`, xmltree.CheckNamespace},
	{"namespace with an odd scheme", `<a xmlns="1u:x"/>`, xmltree.CheckNamespace},
	{"xml bound elsewhere", `<a xmlns:xml="u:1"/>`, xmltree.CheckNamespace},
	{"another prefix for xml", `<a xmlns:p="http://www.w3.org/XML/1998/namespace"/>`, xmltree.CheckNamespace},
	{"xml as default", `<a xmlns="http://www.w3.org/XML/1998/namespace"/>`, xmltree.CheckNamespace},
	{"xmlns declared", `<a xmlns:xmlns="u:1"/>`, xmltree.CheckNamespace},
	{"xmlns namespace", `<a xmlns:p="http://www.w3.org/2000/xmlns/"/>`, xmltree.CheckNamespace},
	{"element in xmlns", `<xmlns:a/>`, xmltree.CheckNamespace},
	{"control", `<a xmlns:xml="http://www.w3.org/XML/1998/namespace" xml:lang=""/>`, ""},
	{"two colons", `<p:q:a xmlns:p="u:1"/>`, xmltree.CheckSyntax},
	{"leading colon", `<:a/>`, xmltree.CheckSyntax},
	{"trailing colon", `<p: xmlns:p="u:1"/>`, xmltree.CheckSyntax},
	{"attribute with two colons", `<a xmlns:p="u:1" p:q:b=""/>`, xmltree.CheckSyntax},

	{"attribute twice", `<a b="" b=""/>`, xmltree.CheckAttribute},
	{"attribute twice after expansion", `<a xmlns:p="u:1" xmlns:q="u:1" p:b="" q:b=""/>`, xmltree.CheckAttribute},
	{"declaration twice", `<a xmlns:p="u:1" xmlns:p="u:2"/>`, xmltree.CheckAttribute},
	{"default twice", `<a xmlns="u:1" xmlns="u:1"/>`, xmltree.CheckAttribute},
	{"twice among many", `<a` + numbered(` b%d=""`, 40) + ` b7=""/>`, xmltree.CheckAttribute},
	{"control", `<a xmlns:p="u:1" xmlns:q="u:2" p:b="" q:b="" b=""/>`, ""},
	{"control", `<a xmlns="u:1" xmlns:p="u:1" p:b="" b=""/>`, ""},

	{"ID twice", `<a ID="x"><b ID="x"/></a>`, xmltree.CheckID},
	{"ID and Id", `<a ID="x"><b Id="x"/></a>`, xmltree.CheckID},
	{"ID and xml:id", `<a ID="x"><b xml:id="x"/></a>`, xmltree.CheckID},
	{"ID by reference", `<a ID="x"><b ID="&#120;"/></a>`, xmltree.CheckID},
	{"ID and Id of one element", `<a ID="x" Id="x"/>`, xmltree.CheckID},
	{"empty ID", `<a ID=""/>`, xmltree.CheckID},
	{"control", `<a ID="x" xmlns:p="u:1"><b p:ID="x"/></a>`, ""},

	{"name too long", `<` + strings.Repeat("a", 1025) + `/>`, xmltree.CheckLimit},
	{"namespace too long", `<a xmlns="u:` + strings.Repeat("a", 1025) + `"/>`, xmltree.CheckLimit},
	{"too deep", strings.Repeat(`<a>`, 65) + strings.Repeat(`</a>`, 65), xmltree.CheckLimit},
	{"control", strings.Repeat(`<a>`, 64) + strings.Repeat(`</a>`, 64), ""},
	{"too many attributes", `<a` + numbered(` b%d=""`, 65) + `/>`, xmltree.CheckLimit},
	{"control", `<a` + numbered(` b%d=""`, 64) + `/>`, ""},
	{"too many namespaces", `<a` + numbered(` xmlns:b%d="u:1"`, 65) + `/>`, xmltree.CheckLimit},
	{"too many namespaces in scope", `<a` + numbered(` xmlns:b%d="u:1"`, 64) + `><b xmlns="u:1"/></a>`, xmltree.CheckLimit},
	{"control", `<a>` + numbered(`<b xmlns:b%d="u:1"/>`, 200) + `</a>`, ""},
	{"too many comments", `<a>` + strings.Repeat(`<!---->`, 1025) + `</a>`, xmltree.CheckLimit},
	{"too many CDATA sections", `<a>` + strings.Repeat(`<![CDATA[]]>`, 1025) + `</a>`, xmltree.CheckLimit},
	{"too many elements", `<a>` + strings.Repeat(`<b/>`, 1<<16) + `</a>`, xmltree.CheckLimit},
	{"too many signatures", `<a xmlns="http://www.w3.org/2000/09/xmldsig#">` + strings.Repeat(`<Signature/>`, 33) + `</a>`, xmltree.CheckLimit},
	{"too large", `<a>` + strings.Repeat(` `, 2<<20) + `</a>`, xmltree.CheckLimit},
	{"control: 5,000 values", `<a>` + strings.Repeat(`<b c="d"><e>f</e></b>`, 5000) + `</a>`, ""},
}

func numbered(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tt := range refused {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := xmltree.Parse([]byte(tt.in), xmltree.Limits{})
			if got := xmltree.CheckOf(err); got != tt.want || (err == nil) != (tt.want == "") {
				t.Errorf("%v, want check %q", err, tt.want)
			}
		})
	}
}
