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

// consentQuery is the request that a form of the consent page carries; a
// malformed one is empty, and refused for that.
func consentQuery(form url.Values) url.Values {
	q, err := url.ParseQuery(form.Get(FieldRequest))
	if err != nil {
		return url.Values{}
	}
	return keep(q)
}

// keep keeps what belongs to a request.
func keep(all url.Values) url.Values {
	q := url.Values{}
	for _, name := range authorizeFields {
		if v, ok := all[name]; ok {
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
		s.sendBack(w, r, a, "error", oauth)
		return nil
	}
	policy, err := s.cfg.Policy(r.Context())
	if err != nil {
		return err
	}
	page := ConsentPage{
		Action: s.pagePath(PathConsent), Callback: origin(a.redirect), SignedIn: session.Name, ClientSays: a.client.Name,
		Request: keep(q).Encode(), Ends: ends(s.cfg.Now(), session, policy),
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
		s.sendBack(w, r, a, "error", oauth)
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
		s.sendBack(w, r, a, "error", "access_denied")
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
	s.sendBack(w, r, a, "code", code)
	return nil
}

func (s *Server) sendBack(w http.ResponseWriter, r *http.Request, a authorizeRequest, name, value string) {
	w.Header().Set("Referrer-Policy", "no-referrer")
	s.cfg.Render(w, r, http.StatusOK, ReturnPage{Location: a.location(name, value), ClientSays: a.client.Name})
}

// origin is the origin of a verified redirect URI.
func origin(redirect string) string {
	u, err := url.Parse(redirect)
	if err != nil {
		return "" // unreachable: it was verified
	}
	return u.Scheme + "://" + u.Host
}
