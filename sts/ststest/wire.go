// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package ststest

import (
	"bytes"
	"crypto/rand"
	"encoding/xml"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
)

const (
	version   = "2011-06-15"
	namespace = "https://sts.amazonaws.com/doc/2011-06-15/"
	// maxBody: 100,000 characters of assertion, percent-encoded at worst.
	maxBody = 512 << 10
)

// refusal is an error as it goes over the wire. why is for the log alone.
type refusal struct {
	status        int
	code, message string
	why           string
}

func refuse(status int, code, message, why string, args ...any) *refusal {
	return &refusal{status, code, message, fmt.Sprintf(why, args...)}
}

// known are the actions that are counted by name.
var known = map[string]func(*Double, *request) (any, *refusal){
	"AssumeRoleWithSAML": (*Double).assumeRoleWithSAML,
	"AssumeRole":         (*Double).assumeRole,
	"GetCallerIdentity":  (*Double).getCallerIdentity,
}

// request is one call on the query wire.
type request struct {
	http *http.Request
	body []byte
	form url.Values
	call *Call
}

func (r *request) get(name string) string { return r.form.Get(name) }

// ServeHTTP answers AssumeRoleWithSAML, AssumeRole and GetCallerIdentity on
// the query wire of STS, and POST /federation as the console's federation
// endpoint: Action=getSigninToken with credentials of the double. It refuses
// connections that are not on loopback.
func (d *Double) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !fromLoopback(r) {
		http.Error(w, ErrNotLoopback.Error(), http.StatusForbidden)
		return
	}
	if strings.HasSuffix(r.URL.Path, "/federation") {
		d.serveFederation(w, r)
		return
	}
	call := Call{Time: d.c.Now(), RequestID: requestID()}
	req, ref := readRequest(w, r)
	var answer any
	if ref == nil {
		req.call = &call
		call.Action, call.RoleARN = req.get("Action"), req.get("RoleArn")
		answer, ref = d.dispatch(req)
	} else {
		d.count("")
	}
	if ref != nil {
		call.Code, call.Why = ref.code, ref.why
	}
	d.record(call)
	switch {
	case ref != nil && ref.status == 0:
		panic(http.ErrAbortHandler) // an injected outage: the connection just ends
	case ref != nil:
		writeError(w, ref, call.RequestID)
	default:
		writeXML(w, http.StatusOK, answer, call.RequestID)
	}
}

func (d *Double) dispatch(req *request) (any, *refusal) {
	action := req.get("Action")
	do, ok := known[action]
	if !ok {
		d.count("")
		return nil, refuse(http.StatusBadRequest, "InvalidAction",
			"Could not find operation "+clean(action)+" for version "+version, "unknown action")
	}
	d.count(action)
	if f, ok := d.nextFault(action); ok {
		return nil, refuse(f.Status, f.Code, f.Message, "injected")
	}
	if v := req.get("Version"); v != version {
		return nil, refuse(http.StatusBadRequest, "InvalidAction",
			"Could not find operation "+action+" for version "+clean(v), "version")
	}
	return do(d, req)
}

func readRequest(w http.ResponseWriter, r *http.Request) (*request, *refusal) {
	if r.Method != http.MethodPost {
		return nil, refuse(http.StatusForbidden, "MissingAuthenticationToken", "Request is missing Authentication Token", "method %s", r.Method)
	}
	if ct, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || ct != "application/x-www-form-urlencoded" {
		return nil, refuse(http.StatusBadRequest, "MalformedInput", "Content-Type must be application/x-www-form-urlencoded", "content type")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, refuse(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "Request body is too large", "body: %v", err)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "MalformedInput", "The request body is not well formed", "form: %v", err)
	}
	for name, values := range form {
		if len(values) != 1 {
			return nil, refuse(http.StatusBadRequest, "MalformedInput", "A parameter occurs more than once", "%q occurs %d times", name, len(values))
		}
	}
	return &request{http: r, body: body, form: form}, nil
}

// fromLoopback holds for requests over a real connection; a handler called
// directly has no local address and is let through.
func fromLoopback(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return true
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return loopback(local) && ip != nil && ip.IsLoopback()
}

type metadata struct {
	RequestID string `xml:"RequestId"`
}

type errorResponse struct {
	XMLName xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ ErrorResponse"`
	Error   struct {
		Type    string
		Code    string
		Message string
	}
	RequestID string `xml:"RequestId"`
}

func writeError(w http.ResponseWriter, ref *refusal, id string) {
	e := errorResponse{RequestID: id}
	e.Error.Type, e.Error.Code, e.Error.Message = "Sender", ref.code, ref.message
	if ref.status >= 500 {
		e.Error.Type = "Receiver"
	}
	writeXML(w, ref.status, e, id)
}

func writeXML(w http.ResponseWriter, status int, v any, id string) {
	var b bytes.Buffer
	if err := xml.NewEncoder(&b).Encode(v); err != nil {
		http.Error(w, "ststest: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/xml")
	w.Header().Set("X-Amzn-Requestid", id)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}

func requestID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// clean keeps what is echoed into a message short and printable.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
	return s[:min(len(s), 128)]
}
