// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awssso

import (
	"context"
	"net/http"
	"net/url"

	"github.com/gatehouse-id/gatehouse/internal/seal"
)

// authorizeFields are the parameters of /authorize; the consent page carries
// them and everything is verified anew when it is answered.
var authorizeFields = []string{"response_type", "client_id", "redirect_uri", "state", "code_challenge_method", "code_challenge", "scopes", "scope"}

// consentQuery keeps of a form what belongs to the request.
func consentQuery(form url.Values) url.Values {
	q := url.Values{}
	for _, name := range authorizeFields {
		if v, ok := form[name]; ok {
			q[name] = v
		}
	}
	return q
}

// consentAsk asks, every time: a registration is anonymous, so no earlier
// consent says anything about this program.
func (s *Server) consentAsk(w http.ResponseWriter, r *http.Request, _ call, session Session) error {
	q := r.URL.Query()
	a, oauth, err := s.admitAuthorize(r.Context(), q)
	if err != nil {
		return err
	}
	if oauth != "" {
		redirect(w, a.location("error", oauth))
		return nil
	}
	policy, err := s.cfg.Policy(r.Context())
	if err != nil {
		return err
	}
	page := ConsentPage{
		Action: s.pagePath(PathConsent), FormAction: origin(a.redirect), SignedIn: session.Name, ClientSays: a.client.Name,
		Ends: ends(s.cfg.Now(), session, policy),
	}
	for _, name := range authorizeFields {
		if q.Has(name) {
			page.Fields = append(page.Fields, Field{name, q.Get(name)})
		}
	}
	s.cfg.Render(w, r, http.StatusOK, page)
	return nil
}

func (s *Server) admitAuthorize(ctx context.Context, q url.Values) (authorizeRequest, string, error) {
	a, oauth, refused := s.readAuthorize(q)
	if refused != nil {
		return a, "", refused
	}
	return a, oauth, s.admit(ctx, a.client)
}

// consentAnswer mints the code, bound to client, redirect URI, challenge and
// session, and sends the browser back to the program.
func (s *Server) consentAnswer(w http.ResponseWriter, r *http.Request, c call, session Session) error {
	a, oauth, err := s.admitAuthorize(r.Context(), consentQuery(r.PostForm))
	if err != nil {
		return err
	}
	if oauth != "" {
		redirect(w, a.location("error", oauth))
		return nil
	}
	e := s.event(r, c, EventAuthorize, func(e *Event) {
		e.PersonID, e.SessionID, e.Flow, e.ClientName = session.PersonID, session.ID, FlowCode, a.client.Name
	})
	if r.PostForm.Get(FieldAnswer) != AnswerAllow {
		e.Name = EventDenyAuthorize
		if err := s.record(r.Context(), e); err != nil {
			return err
		}
		redirect(w, a.location("error", "access_denied"))
		return nil
	}
	code, now := "gc_"+seal.Token(), s.cfg.Now()
	row := AuthCode{
		Hash: seal.Hash(purposeCode, code), Client: a.client.key(), ClientName: a.client.Name, RedirectURI: a.redirect, Challenge: a.challenge,
		Scopes: a.client.Scopes, Created: now, Expires: now.Add(codeLifetime), Approval: approval(session),
	}
	err = s.cfg.Store.InTx(r.Context(), func(ctx context.Context) error {
		if err := s.cfg.Store.InsertCode(ctx, row); err != nil {
			return err
		}
		return s.cfg.OnEvent(ctx, e)
	})
	if err != nil {
		return err
	}
	redirect(w, a.location("code", code))
	return nil
}

// redirect answers 303 without a body: the address holds a code.
func redirect(w http.ResponseWriter, location string) {
	w.Header().Set("Location", location)
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(http.StatusSeeOther)
}

// origin is the origin of a verified redirect URI.
func origin(redirect string) string {
	u, err := url.Parse(redirect)
	if err != nil {
		return "" // unreachable: it was verified
	}
	return u.Scheme + "://" + u.Host
}
