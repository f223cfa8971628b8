// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"fmt"
	"io"
	"net/url"
	"strings"
)

// maxRelayState is what Bindings 3.4.3 and 3.5.3 allow; peers that do not keep
// to it get back what they sent, up to a bound.
const maxRelayState = 2048

const encodingDeflate = "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE"

// query is a Redirect message with the sender's own octets, over which the
// signature was made (Bindings 3.4.4.1).
type query struct {
	field      string // SAMLRequest or SAMLResponse
	message    []byte // inflated
	relayState string
	sigAlg     string
	signature  []byte // nil: unsigned
	octets     []byte // what was signed
}

// parseQuery reads a raw query. Parameters that are not SAML's are ignored; a
// SAML one that occurs twice, or under an escaped spelling of its name, is
// refused, because sender and verifier might take different ones.
func parseQuery(raw string, limit int) (*query, error) {
	if len(raw) > 4*limit {
		return nil, refuse(CheckInput, "a query of %d bytes", len(raw))
	}
	vals := map[string]string{}
	for len(raw) > 0 {
		var part string
		part, raw, _ = strings.Cut(raw, "&")
		k, v, _ := strings.Cut(part, "=")
		name, err := url.QueryUnescape(k)
		if err != nil {
			return nil, refuse(CheckInput, "an ill-escaped parameter name")
		}
		switch name {
		case "SAMLRequest", "SAMLResponse", "RelayState", "SigAlg", "Signature", "SAMLEncoding", "SAMLart":
			if _, dup := vals[name]; dup || name != k {
				return nil, refuse(CheckInput, "parameter %s occurs twice or in disguise", name)
			}
			vals[name] = v
		}
	}
	return buildQuery(vals, limit)
}

func buildQuery(vals map[string]string, limit int) (*query, error) {
	q := &query{field: "SAMLRequest"}
	msg, isRequest := vals["SAMLRequest"]
	resp, isResponse := vals["SAMLResponse"]
	if isRequest == isResponse {
		return nil, refuse(CheckInput, "exactly one of SAMLRequest and SAMLResponse is needed")
	}
	if isResponse {
		q.field, msg = "SAMLResponse", resp
	}
	dec := map[string]string{}
	for _, k := range []string{"RelayState", "SigAlg", "Signature", "SAMLEncoding"} {
		v, err := url.QueryUnescape(vals[k])
		if err != nil {
			return nil, refuse(CheckInput, "%s is ill-escaped", k)
		}
		dec[k] = v
	}
	if e := dec["SAMLEncoding"]; e != "" && e != encodingDeflate {
		return nil, refuse(CheckInput, "SAMLEncoding %.80q", e)
	}
	q.relayState, q.sigAlg = dec["RelayState"], dec["SigAlg"]
	if len(q.relayState) > maxRelayState {
		return nil, refuse(CheckRelayState, "RelayState of %d bytes", len(q.relayState))
	}
	plain, err := url.QueryUnescape(msg)
	if err != nil {
		return nil, refuse(CheckInput, "%s is ill-escaped", q.field)
	}
	if q.message, err = inflateBase64(plain, limit); err != nil {
		return nil, err
	}
	_, hasAlg := vals["SigAlg"]
	_, hasSig := vals["Signature"]
	if hasAlg != hasSig || hasSig && (q.sigAlg == "" || dec["Signature"] == "") {
		return nil, refuse(CheckSignature, "SigAlg and Signature come together")
	}
	if hasSig {
		if q.signature, err = decodeBase64(dec["Signature"]); err != nil || len(q.signature) == 0 {
			return nil, refuse(CheckSignature, "Signature is not base64")
		}
		q.octets = append(q.octets, q.field+"="+msg...)
		if rs, ok := vals["RelayState"]; ok {
			q.octets = append(q.octets, "&RelayState="+rs...)
		}
		q.octets = append(q.octets, "&SigAlg="+vals["SigAlg"]...)
	}
	return q, nil
}

// decodeBase64 takes base64 with the white space that peers put into it; line
// breaks the decoder itself passes over.
func decodeBase64(s string) ([]byte, error) {
	if strings.IndexByte(s, ' ') >= 0 || strings.IndexByte(s, '\t') >= 0 {
		s = strings.NewReplacer(" ", "", "\t", "").Replace(s)
	}
	return base64.StdEncoding.DecodeString(s)
}

func inflateBase64(s string, limit int) ([]byte, error) {
	b, err := decodeBase64(s)
	if err != nil {
		return nil, refuse(CheckInput, "the message is not base64")
	}
	return inflate(b, limit)
}

// inflate reads raw DEFLATE, never more than limit bytes of it.
func inflate(b []byte, limit int) ([]byte, error) {
	r := bytes.NewReader(b)
	f := flate.NewReader(r)
	out, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	if err != nil {
		return nil, refuse(CheckDeflate, "the message does not inflate: %w", err)
	}
	if len(out) > limit {
		return nil, refuse(CheckDeflate, "the message inflates to more than %d bytes", limit)
	}
	if r.Len() > 0 {
		return nil, refuse(CheckDeflate, "%d bytes after the message", r.Len())
	}
	return out, nil
}

func deflate(b []byte) ([]byte, error) {
	var buf bytes.Buffer
	f, err := flate.NewWriter(&buf, flate.DefaultCompression)
	if err != nil {
		return nil, err
	}
	if _, err := f.Write(b); err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// redirectTo puts a message into its Redirect URL, signed if key is not nil.
// url.QueryEscape writes upper-case %XX and + for a blank, as all peers do.
func redirectTo(location, field string, msg []byte, relayState string, key *KeyPair) (string, error) {
	z, err := deflate(msg)
	if err != nil {
		return "", err
	}
	q := field + "=" + url.QueryEscape(base64.StdEncoding.EncodeToString(z))
	if relayState != "" {
		q += "&RelayState=" + url.QueryEscape(relayState)
	}
	if key != nil {
		q += "&SigAlg=" + url.QueryEscape(signatureAlgorithm(*key))
		sig, err := signOctets(*key, []byte(q))
		if err != nil {
			return "", fmt.Errorf("sign query: %w", err)
		}
		q += "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(sig))
	}
	return withQuery(location, q), nil
}

// withQuery adds q to the address, which may have a query already.
func withQuery(location, q string) string {
	if strings.Contains(location, "?") {
		return location + "&" + q
	}
	return location + "?" + q
}
