// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml_test

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/saml"
	"github.com/gatehouse-id/gatehouse/saml/samltest"
)

// attack is one document that must be refused by want; "" is an accepted
// control beside the attacks of its family.
type attack struct {
	name   string
	change func(f *samltest.Forge)
	sp     func(*saml.SPConfig, *saml.Connection)
	want   saml.Check
	see    func(t *testing.T, a *saml.Assertion)
}

const (
	sha1RSA  = "http://www.w3.org/2000/09/xmldsig#rsa-sha1"
	aes128   = "http://www.w3.org/2001/04/xmlenc#aes128-cbc"
	assertNS = `xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"`
)

var (
	sigRE    = regexp.MustCompile(`(?s)<ds:Signature .*?</ds:Signature>`)
	assertRE = regexp.MustCompile(`(?s)<saml:Assertion .*</saml:Assertion>`)
)

// swap edits the finished Response; it must find what it looks for.
func swap(old, with string) func(f *samltest.Forge) {
	return func(f *samltest.Forge) {
		f.Finally = func(x string) string {
			if !strings.Contains(x, old) {
				panic("no " + old)
			}
			return strings.Replace(x, old, with, 1)
		}
	}
}

func finally(edit func(x string) string) func(f *samltest.Forge) {
	return func(f *samltest.Forge) { f.Finally = edit }
}

// onlyAssertion signs the assertion only, so that the edit around it matters.
func onlyAssertion(edit func(x string) string) func(f *samltest.Forge) {
	return func(f *samltest.Forge) { f.SignResponse, f.Finally = false, edit }
}

// evilTwin is the assertion without signature, for somebody else.
func evilTwin(x, id string) string {
	a := sigRE.ReplaceAllString(assertRE.FindString(x), "")
	a = strings.Replace(a, "alice@example.test", "mallory@example.test", 1)
	return regexp.MustCompile(`(<saml:Assertion [^>]*)ID="[^"]*"`).ReplaceAllString(a, `${1}ID="`+id+`"`)
}

func wrapped(place func(x, signed, evil string) string) func(f *samltest.Forge) {
	return onlyAssertion(func(x string) string { return place(x, assertRE.FindString(x), evilTwin(x, "_evil")) })
}

func encrypted(f *samltest.Forge) { f.EncryptTo = samltest.SPKey().Certificate }

var attacks = map[string][]attack{
	"01 wrapping": {
		{name: "control", change: onlyAssertion(func(x string) string { return x })},
		{name: "evil before", change: wrapped(func(x, s, e string) string { return strings.Replace(x, s, e+s, 1) }), want: saml.CheckStructure},
		{name: "evil after", change: wrapped(func(x, s, e string) string { return strings.Replace(x, s, s+e, 1) }), want: saml.CheckStructure},
		{name: "signed one in the evil one's Advice", want: saml.CheckStructure, change: wrapped(func(x, s, e string) string {
			return strings.Replace(x, s, strings.Replace(e, "<saml:AuthnStatement", "<saml:Advice>"+s+"</saml:Advice><saml:AuthnStatement", 1), 1)
		})},
		{name: "signed one in an Object of the evil one's Signature", want: saml.CheckStructure, change: wrapped(func(x, s, e string) string {
			sig := strings.Replace(sigRE.FindString(s), "</ds:Signature>", "<ds:Object>"+sigRE.ReplaceAllString(s, "")+"</ds:Object></ds:Signature>", 1)
			return strings.Replace(x, s, strings.Replace(e, "</saml:Issuer>", "</saml:Issuer>"+sig, 1), 1)
		})},
		{name: "signature copied to the evil one", want: saml.CheckSignature, change: wrapped(func(x, s, e string) string {
			return strings.Replace(x, s, strings.Replace(e, "</saml:Issuer>", "</saml:Issuer>"+sigRE.FindString(s), 1), 1)
		})},
		{name: "same ID", want: saml.CheckXML, change: onlyAssertion(func(x string) string {
			id := regexp.MustCompile(`<saml:Assertion [^>]*ID="([^"]*)"`).FindStringSubmatch(x)[1]
			return strings.Replace(x, "<samlp:Status>", "<samlp:Extensions>"+strings.ReplaceAll(evilTwin(x, id), "saml:Assertion", "saml:Other")+"</samlp:Extensions><samlp:Status>", 1)
		})},
		{name: "signature not right after Issuer", want: saml.CheckStructure, change: onlyAssertion(func(x string) string {
			s := sigRE.FindString(x)
			return strings.Replace(strings.Replace(x, s, "", 1), "</saml:Assertion>", s+"</saml:Assertion>", 1)
		})},
		{name: "signature deeper", want: saml.CheckSignature, change: onlyAssertion(func(x string) string {
			s := sigRE.FindString(x)
			return strings.Replace(strings.Replace(x, s, "", 1), "</saml:Subject>", s+"</saml:Subject>", 1)
		})},
		{name: "response within a response", want: saml.CheckStructure, change: onlyAssertion(func(x string) string {
			return strings.Replace(x, "<samlp:Status>", "<samlp:Extensions>"+strings.ReplaceAll(sigRE.ReplaceAllString(assertRE.ReplaceAllString(x, ""), ""), ` ID="`, ` ID="_x`)+"</samlp:Extensions><samlp:Status>", 1)
		})},
	},
	"02 comments and text": {
		{name: "control: a comment splits nothing", change: func(f *samltest.Forge) {
			f.AfterSigning = func(x string) string {
				return strings.Replace(x, "alice@example.test", "alice@<!-- -->example.test", 1)
			}
		}, see: func(t *testing.T, a *saml.Assertion) {
			if a.NameID.Value != "alice@example.test" {
				t.Errorf("NameID %q", a.NameID.Value)
			}
		}},
		{name: "element in the NameID", want: saml.CheckStructure, change: func(f *samltest.Forge) {
			f.BeforeSigning = func(x string) string { return strings.Replace(x, "alice@example.test", "alice<b/>", 1) }
		}},
	},
	"03 strict XML": {
		{name: "undeclared prefix", want: saml.CheckXML, change: swap("<samlp:Status>", "<samlp:Status><q:x/>")},
		{name: "attribute twice", want: saml.CheckXML, change: swap(` Version="2.0"`, ` Version="2.0" Version="2.0"`)},
		{name: "attribute twice by prefix", want: saml.CheckXML, change: swap("<samlp:Status>", `<samlp:Status xmlns:a="urn:x" xmlns:b="urn:x" a:y="1" b:y="2">`)},
		{name: "not UTF-8", want: saml.CheckXML, change: swap("<samlp:Status>", "<samlp:Status>\xff")},
		{name: "name with two colons", want: saml.CheckXML, change: swap("<samlp:Status>", "<samlp:Status><samlp:a:b/>")},
		{name: "NUL", want: saml.CheckXML, change: swap("<samlp:Status>", "<samlp:Status>\x00")},
		{name: "empty", want: saml.CheckXML, change: finally(func(string) string { return "" })},
		{name: "another message", want: saml.CheckStructure, change: finally(func(string) string {
			return `<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"/>`
		})},
	},
	"04 signature shape": {
		{name: "two references", want: saml.CheckSignature, change: finally(func(x string) string {
			ref := regexp.MustCompile(`(?s)<ds:Reference.*?</ds:Reference>`).FindString(x)
			return strings.Replace(x, ref, ref+ref, 1)
		})},
		{name: "empty reference", want: saml.CheckSignature, change: finally(func(x string) string {
			return regexp.MustCompile(`URI="#[^"]*"`).ReplaceAllString(x, `URI=""`)
		})},
		{name: "external reference", want: saml.CheckSignature, change: finally(func(x string) string {
			return regexp.MustCompile(`URI="#[^"]*"`).ReplaceAllString(x, `URI="https://evil.test/"`)
		})},
		{name: "no reference", want: saml.CheckSignature, change: finally(func(x string) string {
			return regexp.MustCompile(`(?s)<ds:Reference.*?</ds:Reference>`).ReplaceAllString(x, "")
		})},
	},
	"05 SignedInfo": {
		{name: "second SignedInfo", want: saml.CheckSignature, change: finally(func(x string) string {
			si := regexp.MustCompile(`(?s)<ds:SignedInfo>.*?</ds:SignedInfo>`).FindString(x)
			return strings.Replace(x, si, si+si, 1)
		})},
		{name: "comment in DigestValue", want: saml.CheckSignature, change: swap("<ds:DigestValue>", "<ds:DigestValue><!--x-->")},
		{name: "comment in SignatureValue", want: saml.CheckSignature, change: swap("<ds:SignatureValue>", "<ds:SignatureValue><!--x-->")},
	},
	"07 canonicalisation": {
		{name: "relative namespace", want: saml.CheckXML, change: swap("<samlp:Status>", `<samlp:Status xmlns:r="1">`)},
		{name: "qualified ID", want: saml.CheckStructure, change: func(f *samltest.Forge) {
			f.SignAssertion = false
			f.BeforeSigning = func(x string) string { return strings.Replace(x, ` ID="`, ` saml:ID="`, 1) }
		}},
		{name: "ATTLIST", want: saml.CheckXML, change: finally(func(x string) string { return `<!DOCTYPE x [<!ATTLIST x ID ID #IMPLIED>]>` + x })},
	},
	"08 document types": {
		{name: "billion laughs", want: saml.CheckXML, change: finally(func(x string) string {
			return `<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>` + strings.Replace(x, "alice", "&b;", 1)
		})},
		{name: "external entity", want: saml.CheckXML, change: finally(func(x string) string {
			return `<!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]>` + x
		})},
		{name: "undeclared entity", want: saml.CheckXML, change: swap("alice", "&alice;")},
		{name: "in decrypted plaintext", want: saml.CheckXML, change: func(f *samltest.Forge) {
			encrypted(f)
			f.AfterSigning = func(x string) string { return `<!DOCTYPE x>` + x }
		}},
	},
	"09 transforms": {
		{name: "XPath", want: saml.CheckSignature, change: swap("http://www.w3.org/2000/09/xmldsig#enveloped-signature", "http://www.w3.org/TR/1999/REC-xpath-19991116")},
		{name: "XSLT", want: saml.CheckSignature, change: swap(`<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"`, `<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"`)},
		{name: "three", want: saml.CheckSignature, change: swap("</ds:Transforms>", `<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms>`)},
	},
	"10 algorithms": {
		{name: "control: P-256", change: func(f *samltest.Forge) { f.Key = samltest.ECKey() }, sp: trustEC},
		{name: "control: RSA-PSS", change: func(f *samltest.Forge) { f.Algorithm = "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1" }},
		{name: "HMAC", want: saml.CheckAlgorithm, change: swap("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2000/09/xmldsig#hmac-sha1")},
		{name: "SHA-1", want: saml.CheckAlgorithm, change: swap("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", sha1RSA)},
		{name: "MD5", want: saml.CheckAlgorithm, change: swap("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2001/04/xmldsig-more#rsa-md5")},
		{name: "SHA-1 digest", want: saml.CheckAlgorithm, change: swap("http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2000/09/xmldsig#sha1")},
		{name: "ECDSA with an RSA key", want: saml.CheckSignature, change: swap("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256")},
		{name: "ECDSA of zeros", want: saml.CheckSignature, sp: trustEC, change: func(f *samltest.Forge) {
			f.Key = samltest.ECKey()
			f.Finally = func(x string) string {
				return regexp.MustCompile(`<ds:SignatureValue>[^<]*`).ReplaceAllString(x, "<ds:SignatureValue>"+base64.StdEncoding.EncodeToString(make([]byte, 64)))
			}
		}},
	},
	"11 keys": {
		{name: "certificate of a stranger in KeyInfo", want: saml.CheckSignature, change: func(f *samltest.Forge) { f.Key = samltest.OtherKey() }},
		{name: "a key for encryption", want: saml.CheckSignature, sp: func(_ *saml.SPConfig, c *saml.Connection) {
			o := samltest.OtherKey().Certificate
			c.IdP.IdP.Keys = append(c.IdP.IdP.Keys, saml.Key{Use: "encryption", Certificate: o, PublicKey: o.PublicKey})
		}, change: func(f *samltest.Forge) { f.Key = samltest.OtherKey() }},
		{name: "control: a second key without use", sp: func(_ *saml.SPConfig, c *saml.Connection) {
			o := samltest.OtherKey().Certificate
			c.IdP.IdP.Keys = append(c.IdP.IdP.Keys, saml.Key{Certificate: o, PublicKey: o.PublicKey})
		}, change: func(f *samltest.Forge) { f.Key = samltest.OtherKey() }},
		{name: "KeyInfo removed under a signature", change: finally(func(x string) string {
			return regexp.MustCompile(`(?s)<ds:KeyInfo>.*?</ds:KeyInfo>`).ReplaceAllString(x, "")
		}), want: saml.CheckSignature},
		{name: "control: no KeyInfo in the outer signature", change: finally(func(x string) string {
			k := regexp.MustCompile(`(?s)<ds:KeyInfo>.*?</ds:KeyInfo>`).FindString(x)
			return strings.Replace(x, k, "", 1)
		})},
	},
	"13 encrypted": {
		{name: "control: signed inside", change: func(f *samltest.Forge) { encrypted(f); f.SignResponse = false }},
		{name: "control: signed outside", change: func(f *samltest.Forge) { encrypted(f); f.SignAssertion = false }},
		{name: "control: AES-192-GCM, OAEP with SHA-256", change: func(f *samltest.Forge) {
			encrypted(f)
			f.Encryption, f.Transport, f.Digest = "http://www.w3.org/2009/xmlenc11#aes192-gcm", "http://www.w3.org/2009/xmlenc11#rsa-oaep", "http://www.w3.org/2001/04/xmlenc#sha256"
		}},
		{name: "not signed", want: saml.CheckUnsigned, change: func(f *samltest.Forge) { encrypted(f); f.SignAssertion, f.SignResponse = false, false }},
		{name: "exchanged under the signature", want: saml.CheckSignature, change: func(f *samltest.Forge) {
			encrypted(f)
			f.SignAssertion = false
			f.Finally = func(x string) string {
				i := strings.LastIndex(x, "</xenc:CipherValue>")
				return x[:i-8] + "AAAAAAA=" + x[i:]
			}
		}},
		{name: "to another key", want: saml.CheckDecrypt, change: func(f *samltest.Forge) { f.EncryptTo = samltest.OtherKey().Certificate }},
		{name: "no key here", want: saml.CheckDecrypt, change: encrypted, sp: func(c *saml.SPConfig, _ *saml.Connection) { c.DecryptionKeys = nil }},
		{name: "clear where encryption is required", want: saml.CheckDecryptPolicy, sp: func(_ *saml.SPConfig, c *saml.Connection) { c.Policy.RequireEncryption = true }},
		{name: "not an assertion", want: saml.CheckStructure, change: func(f *samltest.Forge) {
			encrypted(f)
			f.AfterSigning = func(string) string { return `<saml:Other ` + assertNS + `/>` }
		}},
	},
	"14 unauthenticated ciphertext": {
		{name: "control: inside of the Response's signature", change: func(f *samltest.Forge) { encrypted(f); f.Encryption = aes128 }},
		{name: "control: with a request", change: func(f *samltest.Forge) { encrypted(f); f.Encryption, f.SignResponse = aes128, false }},
		{name: "not an assertion", want: saml.CheckDecrypt, change: func(f *samltest.Forge) {
			encrypted(f)
			f.Encryption, f.SignResponse = aes128, false
			f.AfterSigning = func(string) string { return `<saml:Other ` + assertNS + `/>` }
		}},
		{name: "not an assertion, inside of the Response's signature", want: saml.CheckDecrypt, change: func(f *samltest.Forge) {
			encrypted(f)
			f.Encryption = aes128
			f.AfterSigning = func(string) string { return `<saml:Other ` + assertNS + `/>` }
		}},
		{name: "changed under its own signature", want: saml.CheckDecrypt, change: func(f *samltest.Forge) {
			encrypted(f)
			f.Encryption, f.SignResponse = aes128, false
			f.AfterSigning = func(x string) string { return strings.Replace(x, "alice@", "alicf@", 1) }
		}},
		{name: "signature lost on the way", want: saml.CheckDecrypt, change: func(f *samltest.Forge) {
			encrypted(f)
			f.Encryption, f.SignResponse = aes128, false
			f.AfterSigning = func(x string) string { return sigRE.ReplaceAllString(x, "") }
		}},
		{name: "unsigned inside of the Response's signature where that is not enough", want: saml.CheckUnsigned, change: func(f *samltest.Forge) {
			encrypted(f)
			f.Encryption, f.SignAssertion = aes128, false
		}, sp: func(_ *saml.SPConfig, c *saml.Connection) { c.Policy.RequireSignedAssertion = true }},
		{name: "unsolicited", want: saml.CheckDecryptPolicy, sp: allowUnsolicited, change: func(f *samltest.Forge) {
			encrypted(f)
			f.Encryption, f.SignResponse, f.InResponseTo, f.ConfirmInResponseTo = aes128, false, "", ""
		}},
		{
			name: "refused by policy", want: saml.CheckAlgorithm, change: func(f *samltest.Forge) { encrypted(f); f.Encryption = aes128 },
			sp: func(_ *saml.SPConfig, c *saml.Connection) { c.Policy.RefuseCBC = true },
		},
		{name: "RSA 1.5", want: saml.CheckAlgorithm, change: func(f *samltest.Forge) {
			encrypted(f)
			f.SignResponse = false
			f.Finally = func(x string) string {
				return strings.Replace(x, "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p", "http://www.w3.org/2001/04/xmlenc#rsa-1_5", 1)
			}
		}},
		{name: "3DES", want: saml.CheckAlgorithm, change: func(f *samltest.Forge) {
			encrypted(f)
			f.SignResponse = false
			f.Finally = func(x string) string {
				return strings.Replace(x, "http://www.w3.org/2009/xmlenc11#aes256-gcm", "http://www.w3.org/2001/04/xmlenc#tripledes-cbc", 1)
			}
		}},
	},
	"15 references out of the document": {
		{name: "CipherReference", want: saml.CheckStructure, change: func(f *samltest.Forge) {
			encrypted(f)
			f.SignResponse = false
			f.Finally = func(x string) string {
				i, j := strings.LastIndex(x, "<xenc:CipherValue>"), strings.LastIndex(x, "</xenc:CipherValue>")
				return x[:i] + `<xenc:CipherReference URI="https://evil.test/"/>` + x[j+len("</xenc:CipherValue>"):]
			}
		}},
		{name: "RetrievalMethod", want: saml.CheckStructure, change: func(f *samltest.Forge) {
			encrypted(f)
			f.SignResponse = false
			f.Finally = func(x string) string {
				return regexp.MustCompile(`(?s)<xenc:EncryptedKey.*</xenc:EncryptedKey>`).ReplaceAllString(x, `<ds:RetrievalMethod xmlns:ds="http://www.w3.org/2000/09/xmldsig#" URI="https://evil.test/"/>`)
			}
		}},
	},
	"17 work": {
		{name: "control: 5,000 groups", change: func(f *samltest.Forge) {
			var groups []string
			for i := range 5000 {
				groups = append(groups, fmt.Sprintf("CN=group-%d", i))
			}
			f.Attributes = []saml.Attribute{{Name: "groups", Values: groups}}
		}, see: func(t *testing.T, a *saml.Assertion) {
			if n := len(a.Attributes.Values("groups")); n != 5000 {
				t.Errorf("%d groups", n)
			}
		}},
		{name: "depth", want: saml.CheckXML, change: swap("<samlp:Status>", "<samlp:Extensions>"+strings.Repeat("<x>", 5000)+strings.Repeat("</x>", 5000)+"</samlp:Extensions><samlp:Status>")},
		{name: "attributes", want: saml.CheckXML, change: finally(func(x string) string {
			var b strings.Builder
			for i := range 5000 {
				fmt.Fprintf(&b, ` a%d=""`, i)
			}
			return strings.Replace(x, "<samlp:Status>", "<samlp:Status"+b.String()+">", 1)
		})},
		{name: "namespaces", want: saml.CheckXML, change: finally(func(x string) string {
			var b strings.Builder
			for i := range 5000 {
				fmt.Fprintf(&b, ` xmlns:a%d="urn:x"`, i)
			}
			return strings.Replace(x, "<samlp:Status>", "<samlp:Status"+b.String()+">", 1)
		})},
		{name: "size", want: saml.CheckInput, change: swap("<samlp:Status>", strings.Repeat(" ", 1<<20)+"<samlp:Status>")},
	},
	"20 conditions": {
		{name: "control: OneTimeUse", change: func(f *samltest.Forge) { f.Conditions = `<saml:OneTimeUse/>` }},
		{name: "control: a second audience", change: func(f *samltest.Forge) { f.Audiences[0] = append([]string{"urn:x"}, f.Audiences[0]...) }},
		{name: "control: within the skew", change: func(f *samltest.Forge) {
			f.IssueInstant = f.IssueInstant.Add(time.Minute)
			f.NotBefore = f.IssueInstant
		}},
		{name: "audience in another case", want: saml.CheckAudience, change: func(f *samltest.Forge) { f.Audiences = [][]string{{"https://SP.test/metadata"}} }},
		{name: "two subjects' names", want: saml.CheckSubject, change: func(f *samltest.Forge) {
			f.BeforeSigning = func(x string) string {
				return strings.Replace(x, "<saml:SubjectConfirmation ", "<saml:NameID>m</saml:NameID><saml:SubjectConfirmation ", 1)
			}
		}},
		{name: "NotBefore in the confirmation", want: saml.CheckTime, change: func(f *samltest.Forge) {
			f.BeforeSigning = func(x string) string {
				return strings.Replace(x, "<saml:SubjectConfirmationData ", `<saml:SubjectConfirmationData NotBefore="2020-01-01T00:00:00Z" `, 1)
			}
		}},
		{name: "no statement of authentication", want: saml.CheckAuthn, change: func(f *samltest.Forge) {
			f.BeforeSigning = func(x string) string {
				return regexp.MustCompile(`(?s)<saml:AuthnStatement.*</saml:AuthnStatement>`).ReplaceAllString(x, "")
			}
		}},
		{name: "a time that is none", want: saml.CheckTime, change: func(f *samltest.Forge) {
			f.BeforeSigning = func(x string) string {
				return regexp.MustCompile(`NotBefore="[^"]*"`).ReplaceAllString(x, `NotBefore="soon"`)
			}
		}},
	},
	"26 names as they are": {
		{name: "control", change: func(f *samltest.Forge) { f.NameID.Value = " Alice\u00e9\u0065\u0301@EXAMPLE.test " }, see: func(t *testing.T, a *saml.Assertion) {
			if a.NameID.Value != " Alice\u00e9\u0065\u0301@EXAMPLE.test " {
				t.Errorf("NameID %q", a.NameID.Value)
			}
		}},
		{name: "a format that is not accepted", want: saml.CheckNameIDPolicy, sp: func(_ *saml.SPConfig, c *saml.Connection) { c.Policy.NameIDFormats = []string{saml.NameIDPersistent} }},
	},
}

func trustEC(_ *saml.SPConfig, c *saml.Connection) {
	k := samltest.ECKey().Certificate
	c.IdP.IdP.Keys = append(c.IdP.IdP.Keys, saml.Key{Use: "signing", Certificate: k, PublicKey: k.PublicKey})
}

func allowUnsolicited(_ *saml.SPConfig, c *saml.Connection) { c.AllowIdPInitiated = true }

// TestAttacks runs the table. Its families are the duties of the threat
// model.
func TestAttacks(t *testing.T) {
	t.Parallel()
	runAttacks(t, attacks)
}

func runAttacks(t *testing.T, attacks map[string][]attack) {
	t.Helper()
	for family, list := range attacks {
		for _, tt := range list {
			t.Run(family+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				idp := samltest.NewIdP(t)
				sp := samltest.NewSP(t, idp.Entity(), tt.sp)
				out := sp.Start(saml.LoginOptions{})
				f := idp.Forge(sp.Connection, out, samltest.Alice())
				if tt.change != nil {
					tt.change(f)
				}
				form, err := f.Form()
				if err != nil {
					t.Fatal(err)
				}
				a, err := sp.Receive(form, out)
				if saml.CheckOf(err) != tt.want || (err == nil) != (tt.want == "") {
					t.Fatalf("refused by %q, want %q: %v", saml.CheckOf(err), tt.want, err)
				}
				if tt.see != nil {
					tt.see(t, a)
				}
			})
		}
	}
}

// TestDeflate (duty 16).
func TestDeflate(t *testing.T) {
	t.Parallel()
	var bomb bytes.Buffer
	w, err := flate.NewWriter(&bomb, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	chunk := bytes.Repeat([]byte(" "), 1<<20)
	for range 4 {
		if _, err := w.Write(chunk); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	idp := newIdP(t, nil)
	value := base64.StdEncoding.EncodeToString(bomb.Bytes())
	for name, r := range map[string]*http.Request{
		"redirect": httptest.NewRequest(http.MethodGet, "/sso?SAMLRequest="+url.QueryEscape(value), nil),
		"post":     formRequest(url.Values{"SAMLRequest": {value}}),
	} {
		if _, err := idp.ParseRequest(r); saml.CheckOf(err) != saml.CheckDeflate {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A Response is never inflated.
	sp := samltest.NewSP(t, samltest.NewIdP(t).Entity(), nil)
	if _, err := sp.Post(url.Values{"SAMLResponse": {value}}); saml.CheckOf(err) != saml.CheckXML {
		t.Errorf("a deflated Response: %v", err)
	}
}

func formRequest(v url.Values) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(v.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// TestTenants (duties 19, 21): connections that trust one issuer at one
// address do not take each other's assertions.
func TestTenants(t *testing.T) {
	t.Parallel()
	idp := samltest.NewIdP(t)
	var a, b *saml.Connection
	list := saml.ConnectionList{}
	sp := samltest.NewSP(t, idp.Entity(), func(cfg *saml.SPConfig, c *saml.Connection) {
		two := *c
		a, b = c, &two
		b.ID, b.EntityID = "c2", "https://sp.test/metadata/2"
		a.AllowIdPInitiated, b.AllowIdPInitiated = true, true
		list = append(list, a, b)
		cfg.Connections = connections{&list}
	})
	out := sp.Start(saml.LoginOptions{}) // at a
	if _, err := sp.Receive(idp.Answer(b, out, samltest.Alice()), out); saml.CheckOf(err) != saml.CheckAudience {
		t.Errorf("an assertion for b at a: %v", err)
	}
	if _, err := sp.Receive(idp.Answer(a, nil, samltest.Alice()), nil); saml.CheckOf(err) != saml.CheckConnection {
		t.Errorf("unsolicited, two tenants: %v", err)
	}
	out = sp.Start(saml.LoginOptions{})
	got, err := sp.Receive(idp.Answer(a, out, samltest.Alice()), out)
	if err != nil {
		t.Fatalf("the control: %v", err)
	}
	other := *got
	other.Connection = "c2"
	if got.Subject().Key() == other.Subject().Key() {
		t.Error("one account at two tenants")
	}
	out = sp.Start(saml.LoginOptions{})
	location, err := sp.Post(idp.Answer(a, out, samltest.Alice()))
	if err != nil {
		t.Fatal(err)
	}
	list = saml.ConnectionList{b} // a is disabled
	r := httptest.NewRequest(http.MethodGet, location, nil)
	r.AddCookie(out.Cookie)
	err = sp.Finish(t.Context(), r, func(context.Context, *saml.Assertion) error { t.Error("committed"); return nil })
	if saml.CheckOf(err) != saml.CheckConnection {
		t.Errorf("a disabled connection: %v", err)
	}
}

type connections struct{ list *saml.ConnectionList }

func (c connections) Connection(ctx context.Context, id string) (*saml.Connection, error) {
	return c.list.Connection(ctx, id)
}

func (c connections) ConnectionsByIssuer(ctx context.Context, acs, issuer string) ([]*saml.Connection, error) {
	return c.list.ConnectionsByIssuer(ctx, acs, issuer)
}

// TestBrowserBinding: a Response in another browser begins no session, and a
// ticket is of use once.
func TestBrowserBinding(t *testing.T) {
	t.Parallel()
	idp := samltest.NewIdP(t)
	sp := samltest.NewSP(t, idp.Entity(), nil)
	finish := func(location string, cookie *http.Cookie) error {
		r := httptest.NewRequest(http.MethodGet, location, nil)
		if cookie != nil {
			r.AddCookie(cookie)
		}
		return sp.Finish(t.Context(), r, func(context.Context, *saml.Assertion) error { return nil })
	}
	for name, cookie := range map[string]func(own *http.Cookie) *http.Cookie{
		"no cookie": func(*http.Cookie) *http.Cookie { return nil },
		"the attacker's value": func(own *http.Cookie) *http.Cookie {
			return &http.Cookie{Name: own.Name, Value: sp.Start(saml.LoginOptions{}).Cookie.Value}
		},
	} {
		out := sp.Start(saml.LoginOptions{})
		location, err := sp.Post(idp.Answer(sp.Connection, out, samltest.Alice()))
		if err != nil {
			t.Fatal(err)
		}
		if err := finish(location, cookie(out.Cookie)); saml.CheckOf(err) != saml.CheckBrowser {
			t.Errorf("%s: %v", name, err)
		}
		if err := finish(location, out.Cookie); saml.CheckOf(err) != saml.CheckTicket {
			t.Errorf("%s: the ticket again: %v", name, err)
		}
	}
	if err := finish("https://sp.test/finish?saml_ticket="+strings.Repeat("A", 43), nil); saml.CheckOf(err) != saml.CheckTicket {
		t.Errorf("a guessed ticket: %v", err)
	}
}

// TestAskedFor: what was asked for is checked in the answer.
func TestAskedFor(t *testing.T) {
	t.Parallel()
	idp := samltest.NewIdP(t)
	sp := samltest.NewSP(t, idp.Entity(), nil)
	for _, tt := range []struct {
		name   string
		login  saml.LoginOptions
		change func(f *samltest.Forge)
		want   saml.Check
	}{
		{"control: forced", saml.LoginOptions{ForceAuthn: true}, nil, ""},
		{"not authenticated again", saml.LoginOptions{ForceAuthn: true}, func(f *samltest.Forge) { f.AuthnInstant = f.AuthnInstant.Add(-time.Hour) }, saml.CheckForceAuthn},
		{"control: context", saml.LoginOptions{Context: &saml.RequestedContext{ClassRefs: []string{saml.ContextREFEDSMFA, saml.ContextPasswordProtected}}}, nil, ""},
		{"weaker context", saml.LoginOptions{Context: &saml.RequestedContext{ClassRefs: []string{saml.ContextREFEDSMFA}}}, nil, saml.CheckAuthnContext},
		{"another NameID format", saml.LoginOptions{NameIDPolicy: &saml.NameIDPolicy{Format: saml.NameIDPersistent}}, nil, saml.CheckNameIDPolicy},
		{"another person", saml.LoginOptions{Subject: &saml.NameID{Value: "bob@example.test"}}, nil, saml.CheckSubject},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out := sp.Start(tt.login)
			f := idp.Forge(sp.Connection, out, samltest.Alice())
			if tt.change != nil {
				tt.change(f)
			}
			form, err := f.Form()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := sp.Receive(form, out); saml.CheckOf(err) != tt.want {
				t.Errorf("refused by %q, want %q: %v", saml.CheckOf(err), tt.want, err)
			}
		})
	}
}
