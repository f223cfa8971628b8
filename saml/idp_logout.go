// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"context"
	"errors"
	"net/http"
	"slices"
)

// propagation is a logout on its way from one participant to the next. It is
// kept under the ID of the LogoutRequest that is out.
type propagation struct {
	// Origin is the service provider that began it; its fields are "" if we
	// did.
	Origin, RequestID, RelayState, Binding string
	Current                                string // entityID of who is asked now
	Remaining                              []Participant
	Asked                                  bool // those with a back channel
	Partial                                bool
	Target                                 string
}

// Logout begins to end the session at all its participants. End the own
// session first. If the result has a Reply, the browser carries the first
// LogoutRequest; else all is done. target comes back in the last result.
func (p *IdentityProvider) Logout(ctx context.Context, session, target string) (*LogoutResult, error) {
	if p.cfg.Participants == nil {
		return &LogoutResult{Status: Status{Code: StatusSuccess}, Target: target}, nil
	}
	if len(target) > 4096 {
		return nil, refuse(CheckConfig, "a target of %d bytes", len(target))
	}
	st := &propagation{Target: target}
	err := p.cfg.Store.InTx(ctx, func(ctx context.Context) error {
		var err error
		st.Remaining, err = p.leave(ctx, []string{session})
		return err
	})
	if err != nil {
		return nil, refuse(CheckStore, "participants: %w", err)
	}
	return p.next(ctx, st, false)
}

// leave removes and returns the participants of the sessions.
func (p *IdentityProvider) leave(ctx context.Context, sessions []string) ([]Participant, error) {
	var all []Participant
	for _, s := range sessions {
		ps, err := p.cfg.Participants.Participants(ctx, s, p.cfg.Now())
		if err != nil {
			return nil, err
		}
		for _, x := range ps {
			if err := p.cfg.Participants.RemoveParticipant(ctx, x.SP, x.SessionIndex); err != nil && !errors.Is(err, ErrNotFound) {
				return nil, err
			}
		}
		all = append(all, ps...)
	}
	return all, nil
}

// HandleLogout takes a logout message by Redirect, POST or SOAP; mount it at
// SLO and SLOSOAP.
//
// Of a LogoutRequest, end ends the application's sessions with these IDs, in a
// transaction of the store; then the other participants are asked, by the back
// channel where they have one, else one after the other through the browser.
// Serve the result if it has a Reply or SOAP; else the logout began here and
// is over: show a page.
func (p *IdentityProvider) HandleLogout(r *http.Request, end func(ctx context.Context, sessions []string) error) (*LogoutResult, error) {
	res, err := p.handleLogout(r, end)
	if err != nil {
		p.refused(r.Context(), err)
	}
	return res, err
}

func (p *IdentityProvider) handleLogout(r *http.Request, end func(ctx context.Context, sessions []string) error) (*LogoutResult, error) {
	ctx := r.Context()
	if p.cfg.Participants == nil {
		return nil, refuse(CheckConfig, "logout is not configured")
	}
	m, err := receiveLogout(r, p.cfg.MaxMessage)
	if err != nil {
		return nil, err
	}
	peer, err := p.peer(ctx, m.issuer)
	if err != nil {
		return nil, err
	}
	at := p.cfg.SLO
	if m.soap {
		at = p.cfg.SLOSOAP
	}
	if at == "" {
		return nil, refuse(CheckBinding, "logout by %q, which is not offered", m.in.binding)
	}
	now := p.cfg.Now()
	if err := m.trust(m.in, peer.keys(p.cfg.Now()), peer.InsecureAllowSHA1, peer.Entity.EntityID, []string{at}, now, p.cfg.Skew); err != nil {
		return nil, err
	}
	if m.response {
		return p.logoutAnswer(ctx, m)
	}
	if err := once(ctx, p.cfg.Store, now, p.cfg.Skew, p.cfg.EntityID, m); err != nil {
		return nil, err
	}
	id, indexes, err := m.names(ctx, p.decrypter(m.issuer))
	if err != nil {
		return nil, err
	}
	st := &propagation{Origin: m.issuer, RequestID: m.id, RelayState: m.in.relayState, Binding: m.in.binding}
	if err := p.end(ctx, st, id, indexes, end); err != nil {
		var e *Error
		if !errors.As(err, &e) {
			e = refuse(CheckCommit, "end sessions: %w", err)
		}
		status := Status{Code: StatusResponder}
		if e.Check == CheckLogout {
			status = Status{Code: StatusRequester, SubCode: StatusUnknownPrincipal}
		}
		res, rerr := logoutReply(p.cfg.EntityID, p.cfg.Keys[0], peer.Entity.SP.SLO, m, now, status)
		if rerr != nil {
			return nil, errors.Join(e, rerr)
		}
		if e.Check == CheckLogout {
			return res, nil // there is nothing that the application should do
		}
		return res, e
	}
	emit(ctx, p.cfg.OnEvent, Event{Type: EventLogout, At: now, Peer: m.issuer, ID: m.id, Detail: "by the service provider"})
	return p.next(ctx, st, m.soap)
}

// end finds the sessions that the LogoutRequest names, ends them and collects
// their other participants. A service provider names only sessions that it
// takes part in.
func (p *IdentityProvider) end(ctx context.Context, st *propagation, id NameID, indexes []string, end func(ctx context.Context, sessions []string) error) error {
	return p.cfg.Store.InTx(ctx, func(ctx context.Context) error {
		found, err := p.cfg.Participants.FindParticipants(ctx, st.Origin, nameKey(id, p.cfg.EntityID, st.Origin), p.cfg.Now())
		if err != nil {
			return refuse(CheckStore, "participants: %w", err)
		}
		var sessions []string
		for _, f := range found {
			if (len(indexes) == 0 || slices.Contains(indexes, f.SessionIndex)) && !slices.Contains(sessions, f.Session) {
				sessions = append(sessions, f.Session)
			}
		}
		if len(sessions) == 0 {
			return refuse(CheckLogout, "no session of that NameID with %.200q", st.Origin)
		}
		all, err := p.leave(ctx, sessions)
		if err != nil {
			return refuse(CheckStore, "participants: %w", err)
		}
		st.Remaining = slices.DeleteFunc(all, func(x Participant) bool { return x.SP == st.Origin })
		return end(ctx, sessions)
	})
}

// next asks the next participant, or ends the logout. back says that there is
// no browser.
func (p *IdentityProvider) next(ctx context.Context, st *propagation, back bool) (*LogoutResult, error) {
	if !st.Asked {
		st.Asked = true
		st.Remaining = slices.DeleteFunc(st.Remaining, func(x Participant) bool { return p.backChannel(ctx, st, x, back) })
	}
	for len(st.Remaining) > 0 && !back {
		x := st.Remaining[0]
		st.Remaining = st.Remaining[1:]
		out, err := p.frontChannel(ctx, st, x)
		if err != nil {
			return nil, err
		}
		if out != nil {
			return &LogoutResult{Reply: out}, nil
		}
	}
	if len(st.Remaining) > 0 {
		st.Partial = true
	}
	return p.finishLogout(ctx, st, back)
}

// backChannel asks a participant by SOAP and reports whether it is done with.
// One that fails, as SimpleSAMLphp 1.19 does after it has ended its session, is
// asked through the browser too if there is one.
func (p *IdentityProvider) backChannel(ctx context.Context, st *propagation, x Participant, back bool) bool {
	peer, err := p.peer(ctx, x.SP)
	if err != nil {
		st.Partial = true
		return true
	}
	slo, ok := pick(peer.Entity.SP.SLO, BindingSOAP)
	if !ok {
		return false
	}
	err = p.askSOAP(ctx, peer, slo.Location, x)
	if err == nil {
		return true
	}
	p.refused(ctx, err)
	if _, front := pick(peer.Entity.SP.SLO, BindingRedirect, BindingPOST); front && !back {
		return false
	}
	st.Partial = true
	return true
}

func (p *IdentityProvider) askSOAP(ctx context.Context, peer *Peer, location string, x Participant) error {
	_, st, err := question{
		client: p.cfg.Client, location: location, issuer: p.cfg.EntityID, key: p.cfg.Keys[0], limit: p.cfg.MaxMessage, now: p.cfg.Now(), skew: p.cfg.Skew,
		peer: x.SP, keys: peer.keys(p.cfg.Now()), sha1: peer.InsecureAllowSHA1,
	}.logout(ctx, x.NameID, []string{x.SessionIndex})
	if err != nil {
		return err
	}
	if !st.OK() {
		return refuse(CheckStatus, "%.200q answered %.200q", x.SP, st.Code)
	}
	return nil
}

// frontChannel makes the LogoutRequest for a participant, or nil if it offers
// no logout.
func (p *IdentityProvider) frontChannel(ctx context.Context, st *propagation, x Participant) (*Outgoing, error) {
	peer, err := p.peer(ctx, x.SP)
	if err != nil {
		st.Partial = true
		return nil, nil //nolint:nilerr // gone meanwhile: the logout is partial
	}
	slo, ok := pick(peer.Entity.SP.SLO, BindingRedirect, BindingPOST)
	if !ok {
		st.Partial = true
		return nil, nil
	}
	now, id := p.cfg.Now(), newID()
	msg, err := logoutRequest(id, slo.Location, p.cfg.EntityID, now, x.NameID, []string{x.SessionIndex})
	if err != nil {
		return nil, refuse(CheckConfig, "%w", err)
	}
	out, err := outgoing(slo, slo.Location, "SAMLRequest", id, "", msg, &p.cfg.Keys[0])
	if err != nil {
		return nil, err
	}
	st.Current = x.SP
	return out, putRecord(ctx, p.cfg.Store, now, KindLogout, id, x.SP, st, now.Add(p.cfg.RequestLifetime))
}

// logoutAnswer takes a participant's LogoutResponse, which trust has passed,
// and goes on.
func (p *IdentityProvider) logoutAnswer(ctx context.Context, m *logoutMessage) (*LogoutResult, error) {
	now := p.cfg.Now()
	var st propagation
	if err := getRecord(ctx, p.cfg.Store, now, KindLogout, m.inResponseTo, &st); err != nil {
		return nil, err
	}
	if st.Current != m.issuer {
		return nil, refuse(CheckIssuer, "%.200q answers for %.200q", m.issuer, st.Current)
	}
	status, err := m.status()
	if err != nil {
		return nil, err
	}
	st = propagation{}
	if err := takeRecord(ctx, p.cfg.Store, now, KindLogout, m.inResponseTo, &st, CheckRequest); err != nil {
		return nil, err
	}
	st.Partial = st.Partial || !status.OK()
	return p.next(ctx, &st, false)
}

// finishLogout answers who began it.
func (p *IdentityProvider) finishLogout(ctx context.Context, st *propagation, back bool) (*LogoutResult, error) {
	status := Status{Code: StatusSuccess}
	if st.Partial {
		status.SubCode = StatusPartialLogout
	}
	if st.Origin == "" {
		return &LogoutResult{Status: status, Target: st.Target}, nil
	}
	peer, err := p.peer(ctx, st.Origin)
	if err != nil {
		return nil, err
	}
	m := &logoutMessage{message: &message{id: st.RequestID, issuer: st.Origin}, in: &incoming{binding: st.Binding, relayState: st.RelayState}, soap: back}
	return logoutReply(p.cfg.EntityID, p.cfg.Keys[0], peer.Entity.SP.SLO, m, p.cfg.Now(), status)
}
