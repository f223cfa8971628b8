// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package xmldsig_test

import "strings"

// shapes are documents whose root, named r in "u:a", has the ID "x", with the
// place of a signature. The element that is signed is the root, or an
// a:x within it.
var shapes = map[string]string{
	"plain":                  `<a:r xmlns:a="u:a" ID="x">` + mark + `<a:b>text</a:b></a:r>`,
	"white space":            "<a:r xmlns:a=\"u:a\"\n  ID = 'x' >\n" + mark + "\n\t<a:b >text </a:b >\n</a:r >\n",
	"line ends":              "<a:r xmlns:a=\"u:a\" ID=\"x\">" + mark + "a\r\nb\rc&#13;d&#xA;e</a:r>",
	"references":             `<a:r xmlns:a="u:a" ID="x">` + mark + `&amp;&lt;&gt;&quot;&apos;>"'&#65;&#x1F600;</a:r>`,
	"attribute references":   `<a:r xmlns:a="u:a" ID="x" v="&amp;&lt;&gt;&quot;&apos;&#9;&#10;&#13;>'" w='"'>` + mark + `</a:r>`,
	"attribute white space":  "<a:r xmlns:a=\"u:a\" ID=\"x\" v=\" a\tb\nc  d \">" + mark + "</a:r>",
	"CDATA":                  `<a:r xmlns:a="u:a" ID="x">` + mark + `a<![CDATA[<b>&amp;]]]]><![CDATA[>]]>c</a:r>`,
	"comments":               `<a:r xmlns:a="u:a" ID="x">` + mark + `a<!-- c -->b<a:c/><!----></a:r>`,
	"empty elements":         `<a:r xmlns:a="u:a" ID="x">` + mark + `<a:c/><a:d></a:d></a:r>`,
	"beyond ASCII":           `<a:r xmlns:a="u:a" ID="x" v="é">` + mark + `<a:é>日本 😀</a:é></a:r>`,
	"declaration":            `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<a:r xmlns:a="u:a" ID="x">` + mark + `</a:r>`,
	"comment before":         `<!-- before --><a:r xmlns:a="u:a" ID="x">` + mark + `</a:r><!-- after -->`,
	"unused namespaces":      `<a:r xmlns:a="u:a" xmlns:b="u:b" xmlns:c="u:c" ID="x">` + mark + `<b:y/></a:r>`,
	"default namespace":      `<a:r xmlns:a="u:a" xmlns="u:d" ID="x">` + mark + `<y><z xmlns=""><w/></z></y></a:r>`,
	"default only":           `<r xmlns="u:a" ID="x">` + mark + `<y/></r>`,
	"rebound prefix":         `<a:r xmlns:a="u:a" ID="x">` + mark + `<b:y xmlns:b="u:1"><b:z xmlns:b="u:2"><b:w/></b:z><b:w/></b:y></a:r>`,
	"rebound used prefix":    `<a:r xmlns:a="u:a" ID="x">` + mark + `<a:y xmlns:a="u:2"><a:z xmlns:a="u:a"/></a:y><a:z/></a:r>`,
	"redeclared alike":       `<a:r xmlns:a="u:a" ID="x">` + mark + `<a:y xmlns:a="u:a"><a:z xmlns:a="u:a"/></a:y></a:r>`,
	"attribute order":        `<a:r xmlns:b="u:2" xmlns:c="u:1" xmlns:a="u:a" z="" b:y="" c:y="" a:y="" ID="x" y="">` + mark + `</a:r>`,
	"declaration order":      `<a:r xmlns:z="u:z" xmlns:b="u:b" xmlns:a="u:a" ID="x">` + mark + `<z:q b:w=""/></a:r>`,
	"attribute prefix":       `<a:r xmlns:a="u:a" xmlns:b="u:b" ID="x">` + mark + `<y b:z=""><y b:z=""/></y></a:r>`,
	"xml attributes":         `<a:r xmlns:a="u:a" xml:lang="en" ID="x">` + mark + `<a:y xml:space="preserve"> </a:y></a:r>`,
	"two prefixes, one name": `<a:r xmlns:a="u:a" xmlns:b="u:a" ID="x">` + mark + `<b:y a:z=""/></a:r>`,
	"QName in a value":       `<a:r xmlns:a="u:a" xmlns:xs="u:xs" xmlns:b="u:b" ID="x">` + mark + `<a:v b:type="xs:string">1</a:v></a:r>`,
	"mixed":                  `<a:r xmlns:a="u:a" ID="x">` + mark + `one<a:y>two</a:y>three<a:y/>four</a:r>`,
	"markup-like text":       `<a:r xmlns:a="u:a" ID="x">` + mark + `]] &gt; -- ?> &lt;!-- </a:r>`,
	"single quotes":          `<a:r xmlns:a='u:a' ID='x' v='a"b'>` + mark + `</a:r>`,
	"within, used":           `<r xmlns="u:d" xmlns:a="u:a" xmlns:b="u:b"><a:x ID="x">` + mark + `<b:y/></a:x></r>`,
	"within, unused":         `<r xmlns="u:d" xmlns:a="u:a" xmlns:b="u:b" xmlns:c="u:c"><a:x ID="x">` + mark + `<a:y c:z=""/></a:x></r>`,
	"within, xml attributes": `<r xmlns="u:d" xml:lang="de" xml:space="preserve"><x xmlns="u:a" xml:lang="en" ID="x">` + mark + `</x></r>`,
	"within, deep":           `<q xmlns="u:q" xmlns:b="u:0"><r xmlns="u:d" xmlns:b="u:b"><b:s xmlns:a="u:a" xmlns=""><a:x ID="x">` + mark + `<y b:q=""/></a:x></b:s></r></q>`,
	"within, default undone": `<r xmlns="u:d"><q xmlns=""><a:x xmlns:a="u:a" ID="x">` + mark + `<y/></a:x></q></r>`,
	"many":                   many(),
}

func many() string {
	return `<a:r xmlns:a="u:a" xmlns:b="u:b" ID="x">` + mark + strings.Repeat(`<a:y b:z="1">v</a:y>`, 200) + `</a:r>`
}
