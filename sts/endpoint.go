// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sts

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Endpoint is an http.Handler that serves credentials to local processes as a
// container agent does: clients find it by AWS_CONTAINER_CREDENTIALS_FULL_URI
// and AWS_CONTAINER_AUTHORIZATION_TOKEN. Serve it on loopback.
type Endpoint struct {
	token string
	paths map[string]aws.CredentialsProvider
}

// NewEndpoint serves each provider under its path, such as /role/prod-admin,
// for whoever knows the random token.
func NewEndpoint(paths map[string]aws.CredentialsProvider) (*Endpoint, error) {
	e := &Endpoint{paths: map[string]aws.CredentialsProvider{}}
	for path, p := range paths {
		if !strings.HasPrefix(path, "/") || strings.ContainsFunc(path[1:], func(r rune) bool { return r != '/' && !isNameRune(r) }) || p == nil {
			return nil, refuse(CheckInput, "", "path %q or its provider cannot be used", path)
		}
		e.paths[path] = p
	}
	var b [32]byte
	rand.Read(b[:])
	e.token = base64.RawURLEncoding.EncodeToString(b[:])
	return e, nil
}

// Token is the value of AWS_CONTAINER_AUTHORIZATION_TOKEN.
func (e *Endpoint) Token() string { return e.token }

// ServeHTTP answers GET with credentials. It refuses any client or host name
// that is not on loopback, which keeps a page that rebinds its DNS name out,
// and any request with an Origin, which no AWS client sends but browsers do.
func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	switch {
	case !isLoopbackHost(hostOf(r.RemoteAddr)):
		e.fail(w, http.StatusForbidden, "AccessDenied", "loopback only")
	case !isLoopbackHost(hostOf(r.Host)):
		e.fail(w, http.StatusMisdirectedRequest, "AccessDenied", "unknown host")
	case r.Header.Get("Origin") != "" || r.Header.Get("Referer") != "" || r.Header.Get("Sec-Fetch-Mode") != "" || len(r.Header.Values("X-Forwarded-For")) > 0:
		e.fail(w, http.StatusForbidden, "AccessDenied", "no browsers, no proxies")
	case r.Method != http.MethodGet:
		e.fail(w, http.StatusMethodNotAllowed, "InvalidRequest", "GET only")
	case subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte(e.token)) != 1:
		e.fail(w, http.StatusUnauthorized, "AccessDenied", "wrong or missing token")
	default:
		e.serve(w, r)
	}
}

func (e *Endpoint) serve(w http.ResponseWriter, r *http.Request) {
	p := e.paths[r.URL.Path]
	if p == nil {
		e.fail(w, http.StatusNotFound, "NotFound", "no such role")
		return
	}
	c, err := p.Retrieve(r.Context())
	if err != nil {
		status, code := http.StatusBadGateway, "CredentialsUnavailable"
		if CheckOf(err) == CheckDenied {
			status, code = http.StatusForbidden, "AccessDenied"
		}
		e.fail(w, status, code, publicOf(err))
		return
	}
	out := map[string]string{"AccessKeyId": c.AccessKeyID, "SecretAccessKey": c.SecretAccessKey, "Token": c.SessionToken}
	if c.AccountID != "" {
		out["AccountId"] = c.AccountID
	}
	if c.CanExpire {
		out["Expiration"] = c.Expires.UTC().Format(time.RFC3339)
	}
	writeJSON(w, http.StatusOK, out)
}

func (e *Endpoint) fail(w http.ResponseWriter, status int, code, message string) {
	writeJSON(w, status, map[string]string{"code": code, "message": message})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func hostOf(hostport string) string {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		return strings.Trim(hostport, "[]")
	}
	return host
}

func publicOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok && e.Public != "" {
		return e.Public
	}
	return "credentials are not available"
}
