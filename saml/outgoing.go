// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Outgoing is a message on its way through the browser. It is an
// http.Handler that answers with the redirect or with a page that posts the
// form; programs with templates of their own render its fields instead, and
// set Cookie, if any, themselves.
type Outgoing struct {
	// ID is the message's.
	ID string
	// Binding is BindingRedirect, BindingPOST or BindingArtifact.
	Binding string
	// Destination is the peer's endpoint: the form's action.
	Destination string
	// Field is "SAMLRequest" or "SAMLResponse", Value the base64 message; by
	// artifact they are "SAMLart" and the artifact.
	Field string
	Value string
	// RelayState goes with it unless it is "".
	RelayState string
	// Cookie binds a login to its browser; nil for other messages.
	Cookie *http.Cookie

	// AssertionID, SessionIndex and NotOnOrAfter describe the assertion in an
	// identity provider's Response.
	AssertionID  string
	SessionIndex string
	NotOnOrAfter time.Time

	location string
}

// URL returns the address to redirect to, or "" for a form.
func (o *Outgoing) URL() string { return o.location }

// ServeHTTP answers with 303, or with a page that posts the form. The page
// works without scripts by its button.
func (o *Outgoing) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	if o.Cookie != nil {
		http.SetCookie(w, o.Cookie)
	}
	if o.location != "" {
		h.Set("Location", o.location)
		w.WriteHeader(http.StatusSeeOther)
		return
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'sha256-"+submitHash+"'; form-action "+formAction(o.Destination)+
		"; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'")
	_ = postPage.Execute(w, o) // the client is gone if this fails
}

const submitScript = `document.forms[0].submit()`

var submitHash = func() string {
	h := sha256.Sum256([]byte(submitScript))
	return base64.StdEncoding.EncodeToString(h[:])
}()

var postPage = template.Must(template.New("post").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Continue</title></head>
<body><main><form method="post" action="{{.Destination}}">
<input type="hidden" name="{{.Field}}" value="{{.Value}}">{{with .RelayState}}
<input type="hidden" name="RelayState" value="{{.}}">{{end}}
<p>You are being sent on. If nothing happens, press the button.</p>
<button>Continue</button></form></main>
<script>` + submitScript + `</script></body></html>
`))

// formAction is a CSP source for exactly the address: a source expression has
// no query, and ; and , would end it.
func formAction(dest string) string {
	u, err := url.Parse(dest)
	if err != nil || u.Host == "" {
		return "'none'"
	}
	path := strings.NewReplacer(";", "%3B", ",", "%2C", "'", "%27").Replace(u.EscapedPath())
	return u.Scheme + "://" + u.Host + path
}
