// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package ststest

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	amzTime    = "20060102T150405Z"
	maxSignAge = 15 * time.Minute
)

// authorization is a parsed Authorization header of Signature Version 4.
type authorization struct {
	keyID, date, region string
	signed              []string
	signature           []byte
}

// authenticate verifies the request's Signature Version 4 and returns the
// session whose credentials made it.
func (d *Double) authenticate(req *request) (*session, *refusal) {
	header := req.http.Header.Get("Authorization")
	if header == "" {
		return nil, refuse(http.StatusForbidden, "MissingAuthenticationToken", "Request is missing Authentication Token", "no Authorization")
	}
	a, why := parseAuthorization(header)
	if why != "" {
		return nil, refuse(http.StatusBadRequest, "IncompleteSignature", "Authorization header is not well formed: "+why, "%s", why)
	}
	s, ref := d.lookUp(a.keyID, req.http.Header.Get("X-Amz-Security-Token"))
	if ref != nil {
		return nil, ref
	}
	mismatch := func(message, why string) (*session, *refusal) {
		return nil, refuse(http.StatusForbidden, "SignatureDoesNotMatch", message, "%s", why)
	}
	stamp := req.http.Header.Get("X-Amz-Date")
	at, err := time.Parse(amzTime, stamp)
	if err != nil || !strings.HasPrefix(stamp, a.date) {
		return mismatch("Date in Credential scope does not match the request's date", "date")
	}
	if now := d.c.Now(); at.Before(now.Add(-maxSignAge)) || at.After(now.Add(maxSignAge)) {
		return mismatch("Signature expired: "+stamp+" is now out of range", "clock")
	}
	if d.c.StrictRegion && a.region != d.c.Region {
		return mismatch("Credential should be scoped to a valid region.", "region "+a.region)
	}
	for name := range req.http.Header {
		lower := strings.ToLower(name)
		if strings.HasPrefix(lower, "x-amz-") && !slices.Contains(a.signed, lower) {
			return mismatch("There were headers present in the request which were not signed", lower+" is not signed")
		}
	}
	if !slices.Contains(a.signed, "host") || !slices.Contains(a.signed, "x-amz-date") {
		return mismatch("'Host' must be a 'SignedHeader' in the AWS Authorization.", "host is not signed")
	}
	if !hmac.Equal(a.signature, signature(req, a, stamp, s.Secret)) {
		return mismatch("The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.", "signature")
	}
	return s, nil
}

func parseAuthorization(h string) (a authorization, why string) {
	rest, ok := strings.CutPrefix(h, algorithm+" ")
	if !ok {
		return a, "algorithm"
	}
	fields := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		k, v, ok := strings.Cut(strings.TrimSpace(part), "=")
		if _, twice := fields[k]; !ok || twice || len(fields) == 3 {
			return a, "fields"
		}
		fields[k] = v
	}
	scope := strings.Split(fields["Credential"], "/")
	if len(scope) != 5 || scope[3] != "sts" || scope[4] != "aws4_request" || len(scope[1]) != 8 {
		return a, "Credential"
	}
	a.keyID, a.date, a.region = scope[0], scope[1], scope[2]
	a.signed = strings.Split(fields["SignedHeaders"], ";")
	if !slices.IsSorted(a.signed) || len(a.signed) > 50 {
		return a, "SignedHeaders"
	}
	var err error
	if a.signature, err = hex.DecodeString(fields["Signature"]); err != nil || len(a.signature) != sha256.Size {
		return a, "Signature"
	}
	return a, ""
}

func signature(req *request, a authorization, stamp, secret string) []byte {
	hash := sha256.Sum256(canonicalRequest(req, a.signed))
	scope := strings.Join([]string{a.date, a.region, "sts", "aws4_request"}, "/")
	text := strings.Join([]string{algorithm, stamp, scope, hex.EncodeToString(hash[:])}, "\n")
	key := []byte("AWS4" + secret)
	for _, part := range []string{a.date, a.region, "sts", "aws4_request"} {
		key = mac(key, part)
	}
	return mac(key, text)
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func canonicalRequest(req *request, signed []string) []byte {
	var b bytes.Buffer
	path, query, _ := strings.Cut(req.http.RequestURI, "?")
	if req.http.RequestURI == "" { // a handler called directly
		path, query = req.http.URL.EscapedPath(), req.http.URL.RawQuery
	}
	b.WriteString(req.http.Method + "\n" + canonicalPath(path) + "\n" + canonicalQuery(query) + "\n")
	for _, name := range signed {
		b.WriteString(name + ":" + headerValue(req, name) + "\n")
	}
	sum := sha256.Sum256(req.body)
	b.WriteString("\n" + strings.Join(signed, ";") + "\n" + hex.EncodeToString(sum[:]))
	return b.Bytes()
}

// canonicalPath encodes the already encoded path once more, as every service
// but S3 does.
func canonicalPath(path string) string {
	if path == "" {
		return "/"
	}
	parts := strings.Split(path, "/")
	for i, p := range parts {
		parts[i] = uriEncode(p)
	}
	return strings.Join(parts, "/")
}

func canonicalQuery(raw string) string {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return raw
	}
	var out []string
	for k, vs := range values {
		for _, v := range vs {
			out = append(out, uriEncode(k)+"="+uriEncode(v))
		}
	}
	slices.Sort(out)
	return strings.Join(out, "&")
}

func uriEncode(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(url.QueryEscape(s), "+", "%20"), "%7E", "~")
}

func headerValue(req *request, name string) string {
	switch name {
	case "host":
		return req.http.Host
	case "content-length":
		return strconv.Itoa(len(req.body))
	}
	var out []string
	for _, v := range req.http.Header.Values(http.CanonicalHeaderKey(name)) {
		out = append(out, strings.Join(strings.Fields(v), " "))
	}
	return strings.Join(out, ",")
}
