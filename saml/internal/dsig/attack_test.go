// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package dsig_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/saml/internal/dsig"
	"github.com/gatehouse-id/gatehouse/saml/internal/xmltree"
)

const (
	nsDSig    = "http://www.w3.org/2000/09/xmldsig#"
	exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#"
	inclusive = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
)

// An attack is a document whose signature would verify but for one thing: the
// attacker holds signatures of his own making where he has a key, and a valid
// signed document where he has none.
type attack struct {
	name string
	doc  string
	want dsig.Check
	// edit changes the options.
	edit func(*dsig.Options)
}

// digest is the DigestValue of a document by exclusive canonicalisation.
func digest(t testing.TB, doc string) string { return digestBy(t, doc, xmltree.Form{Exclusive: true}) }

func digestBy(t testing.TB, doc string, f xmltree.Form) string {
	t.Helper()
	h := sha256.New()
	if err := parse(t, doc).Canonical(h, f); err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// info is the canonical SignedInfo of response.
func info(t testing.TB) string {
	return `<ds:SignedInfo xmlns:ds="` + nsDSig + `"><ds:CanonicalizationMethod Algorithm="` + exclusive + `"></ds:CanonicalizationMethod>` +
		`<ds:SignatureMethod Algorithm="` + dsig.RSASHA256 + `"></ds:SignatureMethod><ds:Reference URI="#_r"><ds:Transforms>` +
		`<ds:Transform Algorithm="` + nsDSig + `enveloped-signature"></ds:Transform><ds:Transform Algorithm="` + exclusive + `"></ds:Transform></ds:Transforms>` +
		`<ds:DigestMethod Algorithm="` + dsig.DigestSHA256 + `"></ds:DigestMethod><ds:DigestValue>` + digest(t, response) + `</ds:DigestValue></ds:Reference></ds:SignedInfo>`
}

// craft signs a SignedInfo in which one string was replaced by another. The
// canonical form is computed, not written.
func craft(t testing.TB, old, new string) string {
	t.Helper()
	in := info(t)
	if strings.Count(in, old) == 0 {
		t.Fatalf("no %q in SignedInfo", old)
	}
	return craftInfo(t, strings.Replace(in, old, new, 1))
}

func craftInfo(t testing.TB, in string) string {
	t.Helper()
	var form bytes.Buffer
	if err := parse(t, in).Canonical(&form, xmltree.Form{Exclusive: true}); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(form.Bytes())
	value, err := rsa.SignPKCS1v15(nil, signers()["rsa"].(*rsa.PrivateKey), crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return `<ds:Signature xmlns:ds="` + nsDSig + `">` + in + `<ds:SignatureValue>` + base64.StdEncoding.EncodeToString(value) + `</ds:SignatureValue></ds:Signature>`
}

// inclusiveSignedInfo is a Signature whose SignedInfo has the inclusive form,
// with the namespaces around it.
func inclusiveSignedInfo(t testing.TB) string {
	t.Helper()
	in := replace(info(t), `<ds:CanonicalizationMethod Algorithm="`+exclusive, `<ds:CanonicalizationMethod Algorithm="`+inclusive)
	around := `<ds:SignedInfo xmlns:ds="` + nsDSig + `" xmlns:saml="` + nsAssertion + `" xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"`
	sum := sha256.Sum256([]byte(replace(in, `<ds:SignedInfo xmlns:ds="`+nsDSig+`"`, around)))
	value, err := rsa.SignPKCS1v15(nil, signers()["rsa"].(*rsa.PrivateKey), crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return `<ds:Signature xmlns:ds="` + nsDSig + `">` + in + `<ds:SignatureValue>` + base64.StdEncoding.EncodeToString(value) + `</ds:SignatureValue></ds:Signature>`
}

const afterIssuer = `</saml:Issuer><saml:Assertion`

func put(sig string) string {
	return strings.Replace(response, afterIssuer, `</saml:Issuer>`+sig+`<saml:Assertion`, 1)
}

func replace(s, old, new string) string {
	if !strings.Contains(s, old) {
		panic("no " + old)
	}
	return strings.Replace(s, old, new, 1)
}

func attacks(t testing.TB) []attack {
	ok := craft(t, "#_r", "#_r")
	valid := put(ok)
	excTransform := `<ds:Transform Algorithm="` + exclusive + `"></ds:Transform>`
	envTransform := `<ds:Transform Algorithm="` + nsDSig + `enveloped-signature"></ds:Transform>`
	reference := info(t)
	reference = reference[strings.Index(reference, "<ds:Reference"):strings.Index(reference, "</ds:SignedInfo>")]
	evil := replace(response, "al&amp;ice", "admin")
	evil = replace(evil, `ID="_r"`, `ID="_evil"`)
	evil = replace(evil, `ID="_a"`, `ID="_evila"`)
	cert := certificate(t, signers()["rsa"])
	inclusiveInfo := replace(info(t), digest(t, response), digestBy(t, response, xmltree.Form{}))
	crafted := func(name, old, new string, want dsig.Check) attack {
		return attack{name: name, doc: put(craft(t, old, new)), want: want}
	}
	return []attack{
		{name: "control", doc: valid},
		{name: "control: white space and comments around", doc: "<!-- -->\n" + replace(valid, ok, ok[:len(ok)-len("</ds:Signature>")]+"\n <!-- --> </ds:Signature>")},
		{name: "control: KeyInfo is garbage", doc: put(replace(ok, "</ds:Signature>", "<ds:KeyInfo><x>y</x><ds:X509Data><ds:X509Certificate>!</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>"))},
		{name: "control: carriage returns by reference, as Java writes them", doc: put(replace(replace(ok, "<ds:SignatureValue>", "&#13;\n<ds:SignatureValue>&#13;\n"), "</ds:Signature>", "&#xD;\n</ds:Signature>"))},
		{name: "control: base64 in lines", doc: put(replace(ok, "<ds:SignatureValue>", "<ds:SignatureValue>\n\t "))},

		// Where the signature is.
		{name: "unsigned", doc: response, want: dsig.CheckUnsigned},
		{name: "only the assertion has one", doc: replace(response, `<saml:Assertion ID="_a">`, `<saml:Assertion ID="_a">`+ok), want: dsig.CheckUnsigned},
		{name: "in another namespace", doc: put(strings.ReplaceAll(ok, nsDSig, "urn:other")), want: dsig.CheckUnsigned},
		{name: "last", doc: replace(response, "</samlp:Response>", ok+"</samlp:Response>"), want: dsig.CheckPosition},
		{name: "before the Issuer", doc: replace(response, "<saml:Issuer>", ok+"<saml:Issuer>"), want: ""},
		{name: "after another element", doc: replace(valid, "<saml:Issuer>", "<saml:Status/><saml:Issuer>"), want: dsig.CheckPosition},
		{name: "after another namespace's Issuer", doc: replace(replace(valid, "<saml:Issuer>", `<Issuer>`), "</saml:Issuer>", "</Issuer>"), want: dsig.CheckPosition},
		{name: "two", doc: put(ok + ok), want: dsig.CheckPosition},
		{name: "a second one last", doc: replace(valid, "</samlp:Response>", ok+"</samlp:Response>"), want: dsig.CheckPosition},

		// Wrapping (XSW 1-8): the signed Response is kept somewhere in another.
		{name: "XSW1: original within the signature's Object", doc: replace(evil, afterIssuer, "</saml:Issuer>"+replace(ok, "</ds:Signature>", "<ds:Object>"+response+"</ds:Object></ds:Signature>")+"<saml:Assertion"), want: dsig.CheckShape},
		{name: "XSW2: original beside, detached", doc: replace(evil, afterIssuer, "</saml:Issuer>"+ok+response+"<saml:Assertion"), want: dsig.CheckReference},
		{name: "XSW3: original in Extensions", doc: replace(evil, afterIssuer, "</saml:Issuer>"+ok+"<samlp:Extensions>"+response+"</samlp:Extensions><saml:Assertion"), want: dsig.CheckReference},
		{name: "XSW: signed original as child", doc: replace(evil, afterIssuer, "</saml:Issuer>"+valid+"<saml:Assertion"), want: dsig.CheckUnsigned},
		{name: "XSW: original in KeyInfo", doc: replace(evil, afterIssuer, "</saml:Issuer>"+replace(ok, "</ds:Signature>", "<ds:KeyInfo>"+response+"</ds:KeyInfo></ds:Signature>")+"<saml:Assertion"), want: dsig.CheckReference},
		{name: "changed", doc: replace(valid, "al&amp;ice", "admin"), want: dsig.CheckDigest},
		{name: "added to", doc: replace(valid, "</samlp:Response>", `<saml:Assertion ID="_b"/></samlp:Response>`), want: dsig.CheckDigest},
		{name: "an attribute added", doc: replace(valid, ` ID="_r"`, ` ID="_r" Destination="x"`), want: dsig.CheckDigest},
		{name: "another prefix", doc: strings.ReplaceAll(strings.ReplaceAll(valid, "saml:", "x:"), "xmlns:saml=", "xmlns:x="), want: dsig.CheckDigest},
		{name: "white space added", doc: replace(valid, "<saml:Subject>", " <saml:Subject>"), want: dsig.CheckDigest},
		{name: "control: a comment added, which is passed over", doc: replace(valid, "al&amp;", "al<!-- -->&amp;")},
		{name: "control: CDATA says the same", doc: replace(valid, "al&amp;ice", "al<![CDATA[&]]>ice")},

		// Reference.
		crafted("empty URI", `URI="#_r"`, `URI=""`, dsig.CheckReference),
		crafted("no URI", ` URI="#_r"`, ``, dsig.CheckReference),
		crafted("no fragment", `URI="#_r"`, `URI="x_r"`, dsig.CheckReference),
		crafted("only #", `URI="#_r"`, `URI="#"`, dsig.CheckReference),
		crafted("another element's", `URI="#_r"`, `URI="#_a"`, dsig.CheckReference),
		crafted("external", `URI="#_r"`, `URI="https://evil.example/#_r"`, dsig.CheckReference),
		crafted("xpointer", `URI="#_r"`, `URI="#xpointer(id('_r'))"`, dsig.CheckReference),
		crafted("two references", reference, reference+reference, dsig.CheckShape),
		crafted("two references, the second of another", reference, reference+replace(reference, "#_r", "#_a"), dsig.CheckShape),
		crafted("no reference", reference, ``, dsig.CheckShape),
		{name: "ID by another name", doc: replace(valid, ` ID="_r"`, ` Id="_r"`), want: dsig.CheckReference},
		{name: "ID in a namespace", doc: replace(valid, ` ID="_r"`, ` saml:ID="_r" ID="_x"`), want: dsig.CheckReference},

		// Transforms.
		crafted("no enveloped-signature", envTransform, ``, dsig.CheckTransform),
		crafted("other order", envTransform+excTransform, excTransform+envTransform, dsig.CheckTransform),
		crafted("three", excTransform, excTransform+excTransform, dsig.CheckTransform),
		crafted("enveloped twice", excTransform, envTransform, dsig.CheckTransform),
		crafted("no canonicalisation", excTransform, ``, dsig.CheckTransform),
		crafted("inclusive by default", excTransform, `<ds:Transform Algorithm="`+inclusive+`"/>`, dsig.CheckTransform),
		crafted("Canonical XML 1.1", excTransform, `<ds:Transform Algorithm="http://www.w3.org/2006/12/xml-c14n11"/>`, dsig.CheckTransform),
		crafted("XPath", excTransform, `<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><ds:XPath>true()</ds:XPath></ds:Transform>`, dsig.CheckTransform),
		crafted("XPath filter", excTransform, `<ds:Transform Algorithm="http://www.w3.org/2002/06/xmldsig-filter2"/>`, dsig.CheckTransform),
		crafted("XSLT", excTransform, `<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"/>`, dsig.CheckTransform),
		crafted("base64", excTransform, `<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#base64"/>`, dsig.CheckTransform),
		crafted("no transforms", `<ds:Transforms>`+envTransform+excTransform+`</ds:Transforms>`, ``, dsig.CheckShape),
		crafted("no transform in them", envTransform+excTransform, ``, dsig.CheckTransform),
		crafted("text in transforms", envTransform, `x`+envTransform, dsig.CheckShape),
		crafted("parameter of enveloped-signature", `enveloped-signature">`, `enveloped-signature"><ds:XPath/>`, dsig.CheckTransform),
		crafted("other parameter of the transform", excTransform, `<ds:Transform Algorithm="`+exclusive+`"><x/></ds:Transform>`, dsig.CheckTransform),
		crafted("two prefix lists", excTransform, `<ds:Transform Algorithm="`+exclusive+`"><InclusiveNamespaces xmlns="`+exclusive+`" PrefixList=""/><InclusiveNamespaces xmlns="`+exclusive+`" PrefixList="a"/></ds:Transform>`, dsig.CheckTransform),
		crafted("a vast prefix list", excTransform, `<ds:Transform Algorithm="`+exclusive+`"><InclusiveNamespaces xmlns="`+exclusive+`" PrefixList="`+strings.Repeat("a ", 600)+`"/></ds:Transform>`, dsig.CheckTransform),
		crafted("control: prefix list", excTransform, `<ds:Transform Algorithm="`+exclusive+`"><InclusiveNamespaces xmlns="`+exclusive+`" PrefixList="saml2 xs"/></ds:Transform>`, ""),
		crafted("SignedInfo by unknown canonicalisation", exclusive, `urn:none`, dsig.CheckTransform),
		{name: "control: inclusive by option", doc: put(craftInfo(t, replace(inclusiveInfo, excTransform, `<ds:Transform Algorithm="`+inclusive+`"/>`))), edit: func(o *dsig.Options) { o.AllowInclusive = true }},
		{name: "control: inclusive by option and default", doc: put(craftInfo(t, replace(inclusiveInfo, excTransform, ``))), edit: func(o *dsig.Options) { o.AllowInclusive = true }},

		// Shape.
		crafted("unknown child of SignedInfo", `</ds:SignedInfo>`, `<ds:Other/></ds:SignedInfo>`, dsig.CheckShape),
		crafted("text in SignedInfo", `<ds:Reference`, `x<ds:Reference`, dsig.CheckShape),
		crafted("comment in DigestValue", `<ds:DigestValue>`, `<ds:DigestValue><!-- x -->`, dsig.CheckShape),
		crafted("comment in SignedInfo", `<ds:Reference`, `<!-- x --><ds:Reference`, dsig.CheckShape),
		crafted("CDATA in DigestValue", `<ds:DigestValue>`, `<ds:DigestValue><![CDATA[]]>`, dsig.CheckShape),
		crafted("element in DigestValue", `<ds:DigestValue>`, `<ds:DigestValue><x/>`, dsig.CheckShape),
		crafted("two DigestValues", `<ds:DigestValue>`, `<ds:DigestValue>AAAA</ds:DigestValue><ds:DigestValue>`, dsig.CheckShape),
		crafted("content in DigestMethod", `</ds:DigestMethod>`, `<x/></ds:DigestMethod>`, dsig.CheckShape),
		crafted("attribute of another namespace", `<ds:Reference`, `<ds:Reference ds:URI="#_a"`, dsig.CheckShape),
		crafted("unknown attribute", `<ds:Reference`, `<ds:Reference Foo=""`, dsig.CheckShape),
		crafted("attribute of SignedInfo", `<ds:SignedInfo`, `<ds:SignedInfo Foo=""`, dsig.CheckShape),
		crafted("attribute of SignatureMethod", `<ds:SignatureMethod`, `<ds:SignatureMethod Foo=""`, dsig.CheckShape),
		crafted("attribute of CanonicalizationMethod", `<ds:CanonicalizationMethod`, `<ds:CanonicalizationMethod Foo=""`, dsig.CheckShape),
		crafted("attribute of Transforms", `<ds:Transforms`, `<ds:Transforms Foo=""`, dsig.CheckShape),
		crafted("attribute of the first Transform", `<ds:Transform `, `<ds:Transform Foo="" `, dsig.CheckShape),
		crafted("attribute of the second Transform", `</ds:Transform><ds:Transform `, `</ds:Transform><ds:Transform Foo="" `, dsig.CheckShape),
		crafted("attribute of InclusiveNamespaces", excTransform, `<ds:Transform Algorithm="`+exclusive+`"><InclusiveNamespaces xmlns="`+exclusive+`" PrefixList="" Foo=""/></ds:Transform>`, dsig.CheckShape),
		crafted("attribute of DigestMethod", `<ds:DigestMethod`, `<ds:DigestMethod Foo=""`, dsig.CheckShape),
		crafted("attribute of DigestValue", `<ds:DigestValue`, `<ds:DigestValue Foo=""`, dsig.CheckShape),
		crafted("SignedInfo by inclusive canonicalisation with a prefix list", `<ds:CanonicalizationMethod Algorithm="`+exclusive+`">`, `<ds:CanonicalizationMethod Algorithm="`+inclusive+`"><InclusiveNamespaces xmlns="`+exclusive+`" PrefixList=""/>`, dsig.CheckTransform),
		{name: "attribute of Signature", doc: put(replace(ok, "<ds:Signature ", `<ds:Signature Foo="" `)), want: dsig.CheckShape},
		{name: "attribute of SignatureValue", doc: put(replace(ok, "<ds:SignatureValue", `<ds:SignatureValue Foo=""`)), want: dsig.CheckShape},
		{name: "control: Id where the schema has it", doc: put(replace(replace(ok, "<ds:Signature ", `<ds:Signature Id="_s" `), "<ds:SignatureValue", `<ds:SignatureValue Id="_v"`))},
		{name: "vast canonical form", doc: replace(replace(valid, "<samlp:Response ", `<samlp:Response xmlns:v="u:`+strings.Repeat("v", 1000)+`" `), "</samlp:Response>", strings.Repeat("<v:v/>", 10_000)+"</samlp:Response>"), want: dsig.CheckCanonical},
		{name: "control: SignedInfo by inclusive canonicalisation", doc: put(inclusiveSignedInfo(t))},
		{name: "two SignedInfos", doc: put(replace(ok, "<ds:SignatureValue>", info(t)+"<ds:SignatureValue>")), want: dsig.CheckShape},
		{name: "a SignedInfo after the value", doc: put(replace(ok, "</ds:Signature>", info(t)+"</ds:Signature>")), want: dsig.CheckShape},
		{name: "a SignedInfo before, changed", doc: put(replace(ok, "<ds:SignedInfo", replace(info(t), digest(t, response), digest(t, evil))+"<ds:SignedInfo")), want: dsig.CheckShape},
		{name: "Object", doc: put(replace(ok, "</ds:Signature>", "<ds:Object/></ds:Signature>")), want: dsig.CheckShape},
		{name: "two KeyInfos", doc: put(replace(ok, "</ds:Signature>", "<ds:KeyInfo/><ds:KeyInfo/></ds:Signature>")), want: dsig.CheckShape},
		{name: "text in Signature", doc: put(replace(ok, "</ds:Signature>", "x</ds:Signature>")), want: dsig.CheckShape},
		{name: "no value", doc: put(replace(ok, "SignatureValue>", "SignatureValue/><ds:KeyInfo>")[:strings.Index(ok, "<ds:SignatureValue>")] + "</ds:Signature>"), want: dsig.CheckShape},
		{name: "empty value", doc: put(ok[:strings.Index(ok, "<ds:SignatureValue>")] + "<ds:SignatureValue/></ds:Signature>"), want: dsig.CheckShape},
		{name: "comment in SignatureValue", doc: put(replace(ok, "<ds:SignatureValue>", "<ds:SignatureValue><!-- -->")), want: dsig.CheckShape},
		{name: "value is not base64", doc: put(replace(ok, "<ds:SignatureValue>", "<ds:SignatureValue>*")), want: dsig.CheckShape},
		{name: "empty Signature", doc: put(`<ds:Signature xmlns:ds="` + nsDSig + `"/>`), want: dsig.CheckShape},

		// Algorithms.
		crafted("HMAC with the public key", dsig.RSASHA256, "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", dsig.CheckAlgorithm),
		crafted("HMACOutputLength", `#rsa-sha256">`, `#rsa-sha256"><ds:HMACOutputLength>1</ds:HMACOutputLength>`, dsig.CheckAlgorithm),
		crafted("no algorithm", dsig.RSASHA256, "", dsig.CheckAlgorithm),
		crafted("DSA", dsig.RSASHA256, nsDSig+"dsa-sha1", dsig.CheckAlgorithm),
		crafted("RSA-MD5", dsig.RSASHA256, "http://www.w3.org/2001/04/xmldsig-more#rsa-md5", dsig.CheckAlgorithm),
		crafted("RSA-SHA1", dsig.RSASHA256, dsig.RSASHA1, dsig.CheckAlgorithm),
		crafted("SHA-1 digest", dsig.DigestSHA256, dsig.DigestSHA1, dsig.CheckAlgorithm),
		crafted("MD5 digest", dsig.DigestSHA256, "http://www.w3.org/2001/04/xmldsig-more#md5", dsig.CheckAlgorithm),
		crafted("PSS as PKCS #1", dsig.RSASHA256, dsig.RSAPSSSHA256, dsig.CheckSignature),
		crafted("another hash", dsig.RSASHA256, dsig.RSASHA512, dsig.CheckSignature),
		crafted("another digest", dsig.DigestSHA256, dsig.DigestSHA512, dsig.CheckDigest),
		crafted("ECDSA for an RSA key", dsig.RSASHA256, dsig.ECDSASHA256, dsig.CheckKey),
		crafted("Ed25519 for an RSA key", dsig.RSASHA256, dsig.Ed25519, dsig.CheckKey),
		{name: "not among the algorithms", doc: valid, want: dsig.CheckAlgorithm, edit: func(o *dsig.Options) { o.Algorithms = []string{dsig.ECDSASHA256} }},
		{name: "control: among the algorithms", doc: valid, edit: func(o *dsig.Options) { o.Algorithms = []string{dsig.RSASHA256} }},

		// Keys.
		{name: "no keys", doc: valid, want: dsig.CheckKey, edit: func(o *dsig.Options) { o.Keys = nil }},
		{name: "a key of nothing", doc: valid, want: dsig.CheckKey, edit: func(o *dsig.Options) { o.Keys = []dsig.Key{{}} }},
		{name: "nil keys", doc: valid, want: dsig.CheckKey, edit: func(o *dsig.Options) {
			o.Keys = []dsig.Key{{Public: (*rsa.PublicKey)(nil)}, {Public: &rsa.PublicKey{}}, {Public: (*ecdsa.PublicKey)(nil)}, {Public: &ecdsa.PublicKey{}}, {Public: ed25519.PublicKey{}}}
		}},
		{name: "another key", doc: valid, want: dsig.CheckSignature, edit: func(o *dsig.Options) { o.Keys = []dsig.Key{{Public: signers()["rsa2"].Public()}} }},
		{name: "a short key", doc: valid, want: dsig.CheckKey, edit: func(o *dsig.Options) {
			o.Keys = []dsig.Key{{Public: &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 1023), E: 65537}}}
		}},
		{name: "exponent 1", doc: valid, want: dsig.CheckKey, edit: func(o *dsig.Options) {
			o.Keys = []dsig.Key{{Public: &rsa.PublicKey{N: signers()["rsa"].Public().(*rsa.PublicKey).N, E: 1}}}
		}},
		{name: "self-signed: the key is in the document alone", doc: sign(t, response, dsig.SignOptions{Signer: signers()["rsa2"], Certificate: certificate(t, signers()["rsa2"])}), want: dsig.CheckSignature},
		{name: "control: the last of 100 keys, named by its certificate", doc: strings.Replace(valid, "</ds:Signature>", "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>"+base64.StdEncoding.EncodeToString(cert.Raw)+"</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>", 1), edit: func(o *dsig.Options) {
			o.Keys = append(slices.Repeat([]dsig.Key{{Public: signers()["rsa2"].Public()}}, 99), dsig.Key{Public: signers()["rsa"].Public(), Certificate: cert})
		}},
		{name: "the last of 100 keys", doc: valid, want: dsig.CheckSignature, edit: func(o *dsig.Options) {
			o.Keys = append(slices.Repeat([]dsig.Key{{Public: signers()["rsa2"].Public()}}, 99), o.Keys...)
		}},
		{name: "control: the second of several keys", doc: valid, edit: func(o *dsig.Options) {
			o.Keys = append([]dsig.Key{{Public: signers()["rsa2"].Public()}, {Public: signers()["p256"].Public()}}, o.Keys...)
		}},
	}
}

func TestAttacks(t *testing.T) {
	t.Parallel()
	for _, tt := range attacks(t) {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := dsig.Options{Keys: []dsig.Key{{Public: signers()["rsa"].Public()}}}
			if tt.edit != nil {
				tt.edit(&o)
			}
			v, err := dsig.Verify(parse(t, tt.doc), o)
			if got := dsig.CheckOf(err); got != tt.want || (err == nil) != (tt.want == "") {
				t.Errorf("%v, want check %q", err, tt.want)
			}
			if err == nil && v.ID() != "_r" {
				t.Errorf("ID %q", v.ID())
			}
		})
	}
}

// SHA-1 passes only by its option, as digest and in the signature.
func TestSHA1(t *testing.T) {
	t.Parallel()
	k := signers()["rsa"].(*rsa.PrivateKey)
	h := crypto.SHA1.New()
	if err := parse(t, response).Canonical(h, xmltree.Form{Exclusive: true}); err != nil {
		t.Fatal(err)
	}
	in := replace(info(t), dsig.DigestSHA256, dsig.DigestSHA1)
	in = replace(in, digest(t, response), base64.StdEncoding.EncodeToString(h.Sum(nil)))
	in = replace(in, dsig.RSASHA256, dsig.RSASHA1)
	h.Reset()
	h.Write([]byte(in))
	value, err := rsa.SignPKCS1v15(rand.Reader, k, crypto.SHA1, h.Sum(nil))
	if err != nil {
		t.Fatal(err)
	}
	doc := put(`<ds:Signature xmlns:ds="` + nsDSig + `">` + in + `<ds:SignatureValue>` + base64.StdEncoding.EncodeToString(value) + `</ds:SignatureValue></ds:Signature>`)
	o := dsig.Options{Keys: []dsig.Key{{Public: k.Public()}}}
	if _, err := dsig.Verify(parse(t, doc), o); dsig.CheckOf(err) != dsig.CheckAlgorithm {
		t.Errorf("by default: %v", err)
	}
	o.InsecureAllowSHA1 = true
	if _, err := dsig.Verify(parse(t, doc), o); err != nil {
		t.Errorf("by option: %v", err)
	}
	if _, err := dsig.Sign([]byte(response), dsig.SignOptions{Signer: k, Algorithm: dsig.RSASHA1}); dsig.CheckOf(err) != dsig.CheckSign {
		t.Errorf("Sign: %v", err)
	}
}

// ECDSA signatures are r and s in range and of the curve's length, nothing
// else (CVE-2022-21449).
func TestECDSARange(t *testing.T) {
	t.Parallel()
	k := signers()["p256"].(*ecdsa.PrivateKey)
	message := []byte("message")
	algorithm, sig, err := dsig.SignBytes(message, dsig.SignOptions{Signer: k})
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(message)
	der, err := k.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	n := k.Curve.Params().N
	plusN := func(b []byte) []byte {
		return new(big.Int).Add(new(big.Int).SetBytes(b), n).FillBytes(make([]byte, 33))
	}
	tests := map[string][]byte{
		"zeros":       make([]byte, 64),
		"r is zero":   append(make([]byte, 32), sig[32:]...),
		"s is zero":   append(bytes.Clone(sig[:32]), make([]byte, 32)...),
		"r is n":      append(n.FillBytes(make([]byte, 32)), sig[32:]...),
		"r and s + n": append(plusN(sig[:32]), plusN(sig[32:])...),
		"ASN.1":       der,
		"empty":       {},
		"short":       sig[:63],
		"long":        append(bytes.Clone(sig), 0),
		"padded":      append(append([]byte{0}, sig[:32]...), append([]byte{0}, sig[32:]...)...),
	}
	o := dsig.Options{Keys: []dsig.Key{{Public: k.Public()}}}
	if _, err := dsig.VerifyBytes(algorithm, message, sig, o); err != nil {
		t.Errorf("control: %v", err)
	}
	for name, sig := range tests {
		if _, err := dsig.VerifyBytes(algorithm, message, sig, o); dsig.CheckOf(err) != dsig.CheckSignature {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBytes(t *testing.T) {
	t.Parallel()
	var o dsig.Options
	for _, k := range signers() {
		o.Keys = append(o.Keys, dsig.Key{Public: k.Public()})
	}
	for name, k := range signers() {
		algorithm, sig, err := dsig.SignBytes([]byte("message"), dsig.SignOptions{Signer: k})
		if err != nil {
			t.Fatal(err)
		}
		got, err := dsig.VerifyBytes(algorithm, []byte("message"), sig, o)
		if err != nil || !got.Public.(interface{ Equal(crypto.PublicKey) bool }).Equal(k.Public()) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := dsig.VerifyBytes(algorithm, []byte("massage"), sig, o); dsig.CheckOf(err) != dsig.CheckSignature {
			t.Errorf("%s, changed: %v", name, err)
		}
		if _, err := dsig.VerifyBytes(algorithm, []byte("message"), sig, dsig.Options{}); dsig.CheckOf(err) != dsig.CheckKey {
			t.Errorf("%s, no keys: %v", name, err)
		}
	}
	if _, err := dsig.VerifyBytes("urn:none", nil, nil, o); dsig.CheckOf(err) != dsig.CheckAlgorithm {
		t.Errorf("unknown algorithm: %v", err)
	}
}

// badSigner is a KMS that answers nonsense.
type badSigner struct {
	crypto.Signer
	answer []byte
}

func (b badSigner) Sign(_ io.Reader, _ []byte, _ crypto.SignerOpts) ([]byte, error) {
	return b.answer, nil
}

func TestSignRefuses(t *testing.T) {
	t.Parallel()
	k := signers()["rsa"]
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, doc string
		o         dsig.SignOptions
	}{
		{"no signer", response, dsig.SignOptions{}},
		{"short key", response, dsig.SignOptions{Signer: short}},
		{"unknown algorithm", response, dsig.SignOptions{Signer: k, Algorithm: "urn:none"}},
		{"another key's algorithm", response, dsig.SignOptions{Signer: k, Algorithm: dsig.ECDSASHA256}},
		{"not XML", "x", dsig.SignOptions{Signer: k}},
		{"no ID", "<a/>", dsig.SignOptions{Signer: k}},
		{"signed already", put(craft(t, "#_r", "#_r")), dsig.SignOptions{Signer: k}},
		{"no prefix", response, dsig.SignOptions{Signer: k, Prefixes: []string{`"`}}},
		{"the signer answers no ASN.1", response, dsig.SignOptions{Signer: badSigner{signers()["p256"], []byte("x")}}},
		{"the signer answers zero", response, dsig.SignOptions{Signer: badSigner{signers()["p256"], []byte{0x30, 6, 2, 1, 0, 2, 1, 1}}}},
	}
	for _, tt := range tests {
		if _, err := dsig.Sign([]byte(tt.doc), tt.o); dsig.CheckOf(err) != dsig.CheckSign {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// Where there is no Issuer the signature comes first, also in an empty-element
// tag.
func TestSignPlaces(t *testing.T) {
	t.Parallel()
	k := signers()["p256"]
	for in, want := range map[string]string{
		`<p:a xmlns:p="u:1" ID="x"/>`:                          `<p:a xmlns:p="u:1" ID="x"><ds:Signature`,
		`<a ID="x"></a>`:                                       `<a ID="x"><ds:Signature`,
		`<a ID="&lt;&quot;">&gt;</a>`:                          `<a ID="&lt;&quot;"><ds:Signature`,
		`<a ID="x"> <b/></a>`:                                  `<a ID="x"><ds:Signature`,
		`<a ID="x"><Issuer xmlns="` + nsAssertion + `"/>t</a>`: `<a ID="x"><Issuer xmlns="` + nsAssertion + `"/><ds:Signature`,
	} {
		got := sign(t, in, dsig.SignOptions{Signer: k})
		if !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s", in, got)
		}
		if _, err := dsig.Verify(parse(t, got), dsig.Options{Keys: []dsig.Key{{Public: k.Public()}}}); err != nil {
			t.Errorf("%s: %v", in, err)
		}
	}
}

// FuzzVerify: whatever verifies says what was signed.
func FuzzVerify(f *testing.F) {
	for _, a := range attacks(f) {
		f.Add([]byte(a.doc))
	}
	o := dsig.Options{Keys: []dsig.Key{{Public: signers()["rsa"].Public()}}}
	var want bytes.Buffer
	if err := parse(f, response).Canonical(&want, xmltree.Form{Exclusive: true}); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		d, err := xmltree.Parse(in, xmltree.Limits{})
		if err != nil {
			return
		}
		for _, el := range []xmltree.Node{d.Root(), d.Root().First(), d.Root().First().Next()} {
			if !el.Exists() {
				continue
			}
			v, err := dsig.Verify(el, o)
			if err != nil {
				if dsig.CheckOf(err) == "" {
					t.Fatalf("an error without check: %v", err)
				}
				continue
			}
			if got, err := v.Canonical(); err != nil || !bytes.Equal(got, want.Bytes()) {
				t.Fatalf("verified: %s, %v", got, err)
			}
		}
	})
}
