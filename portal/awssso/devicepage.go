// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awssso

import (
	"context"
	"errors"
	"net/http"
)

// deviceEntry asks for the code. A code in the link is only shown, and sent by
// a button: looking it up counts, and a GET must not.
func (s *Server) deviceEntry(w http.ResponseWriter, r *http.Request, _ call, session Session) error {
	if err := s.deviceAllowed(r.Context()); err != nil {
		return err
	}
	page := EntryPage{Action: s.pagePath(PathDevice), SignedIn: session.Name}
	if code, ok := readUserCode(r.URL.Query().Get(FieldUserCode)); ok {
		page.LinkCode = showUserCode(code)
	}
	s.cfg.Render(w, r, http.StatusOK, page)
	return nil
}

// deviceLookup shows what is known of the device with the code.
func (s *Server) deviceLookup(w http.ResponseWriter, r *http.Request, c call, session Session) error {
	if err := s.deviceAllowed(r.Context()); err != nil {
		return err
	}
	typed := r.PostForm.Get(FieldVia) != ViaLink
	entry := EntryPage{Action: s.pagePath(PathDevice), SignedIn: session.Name}
	code, ok := readUserCode(r.PostForm.Get(FieldUserCode))
	if !ok {
		entry.Problem = "A code has eight letters, such as BCDF-GHJK."
		s.cfg.Render(w, r, http.StatusBadRequest, entry)
		return nil
	}
	d, err := s.chargedLookup(r, c, session, code)
	var refused *Error
	if errors.As(err, &refused) && refused.Check == CheckUserCode {
		s.cfg.OnError(r, refused, c.id)
		entry.Problem = refused.Public
		s.cfg.Render(w, r, http.StatusBadRequest, entry)
		return nil
	}
	if err != nil {
		return err
	}
	other := d.Network != c.network
	if other {
		switch fit, err := s.fitForOther(r.Context(), session, typed); {
		case err != nil:
			return err
		case fit == CheckFresh:
			s.cfg.StepUp(w, r, s.pagePath(PathDevice))
			return nil
		case fit == CheckUserCode:
			entry.MustType = true
			s.cfg.Render(w, r, http.StatusOK, entry)
			return nil
		}
	}
	policy, err := s.cfg.Policy(r.Context())
	if err != nil {
		return err
	}
	err = s.cfg.Store.InTx(r.Context(), func(ctx context.Context) error {
		return s.cfg.Store.ShowDevice(ctx, d.Hash, session.ID, typed, s.cfg.Now())
	})
	if errors.Is(err, ErrTaken) {
		return refuse(CheckUserCode, "The code was answered already or has expired.")
	}
	if err != nil {
		return err
	}
	s.cfg.Render(w, r, http.StatusOK, ApprovalPage{
		Action: s.pagePath(PathApprove), SignedIn: session.Name, UserCode: showUserCode(code),
		Started: d.Created, Expires: d.Expires, Network: d.Network, OtherNetwork: other, ClientSays: d.ClientName, DeviceSays: d.Device,
		Ends: ends(s.cfg.Now(), session, policy),
	})
	return nil
}

// fitForOther says what a device on another network still needs: a typed code
// ([CheckUserCode]), a fresh second factor ([CheckFresh]), or nothing. Whoever
// is lured by a link has neither.
func (s *Server) fitForOther(ctx context.Context, session Session, typed bool) (Check, error) {
	policy, err := s.cfg.Policy(ctx)
	switch {
	case err != nil:
		return "", err
	case policy.Device == DeviceSameNetwork:
		return "", refuse(CheckNetwork, "This sign-in was started on another network, which is not allowed here. Somebody may be trying to use your access.")
	case !session.usedMFA(s.cfg.Now(), s.cfg.FreshMFA):
		return CheckFresh, nil
	case !typed:
		return CheckUserCode, nil
	}
	return "", nil
}

// chargedLookup counts an attempt in a transaction of its own before it looks,
// and takes it back if the code was right.
func (s *Server) chargedLookup(r *http.Request, c call, session Session, code string) (DeviceCode, error) {
	now, key := s.cfg.Now(), "user code|"+session.PersonID
	err := s.cfg.Store.InTx(r.Context(), func(ctx context.Context) error {
		return s.cfg.Store.Charge(ctx, key, s.cfg.WrongUserCodes, s.cfg.DeviceLifetime, now)
	})
	if errors.Is(err, ErrTooMany) {
		refused := refuse(CheckGuesses, "Too many wrong codes. Wait some minutes, then start the sign-in again in your terminal.")
		return DeviceCode{}, s.refusedDevice(r, c, session, refused)
	}
	if err != nil {
		return DeviceCode{}, err
	}
	d, err := s.findUserCode(r.Context(), code)
	if errors.Is(err, ErrNotFound) || err == nil && (d.State != DevicePending || !now.Before(d.Expires)) {
		refused := refuse(CheckUserCode, "There is no such code waiting. Compare it with your terminal, or start the sign-in again.")
		return DeviceCode{}, s.refusedDevice(r, c, session, refused)
	}
	if err != nil {
		return DeviceCode{}, err
	}
	return d, s.cfg.Store.InTx(r.Context(), func(ctx context.Context) error { return s.cfg.Store.Refund(ctx, key) })
}

func (s *Server) findUserCode(ctx context.Context, code string) (DeviceCode, error) {
	for _, id := range s.keys.users.ids() {
		d, err := s.cfg.Store.DeviceByUserCode(ctx, userHash(s.keys.users.byID[id], code))
		if !errors.Is(err, ErrNotFound) {
			return d, err
		}
	}
	return DeviceCode{}, ErrNotFound
}

// refusedDevice records a refusal and returns it.
func (s *Server) refusedDevice(r *http.Request, c call, session Session, refused *Error) error {
	err := s.record(r.Context(), s.event(r, c, EventApproveDevice, func(e *Event) {
		e.PersonID, e.SessionID, e.Flow, e.Check = session.PersonID, session.ID, FlowDevice, refused.Check
	}))
	if err != nil {
		return err
	}
	return refused
}

// deviceAnswer takes the answer to an approval page that this session was
// shown.
func (s *Server) deviceAnswer(w http.ResponseWriter, r *http.Request, c call, session Session) error {
	if err := s.deviceAllowed(r.Context()); err != nil {
		return err
	}
	code, ok := readUserCode(r.PostForm.Get(FieldUserCode))
	if !ok {
		return refuse(CheckRequest, "The form is incomplete.")
	}
	d, err := s.findUserCode(r.Context(), code)
	if errors.Is(err, ErrNotFound) {
		d, err = DeviceCode{}, nil // it was shown to nobody
	}
	if err != nil {
		return err
	}
	if d.ShownTo != session.ID {
		return s.refusedDevice(r, c, session, refuse(CheckShown, "This page is too old or not yours. Enter the code again."))
	}
	allow := r.PostForm.Get(FieldAnswer) == AnswerAllow
	if allow && d.Network != c.network {
		switch fit, err := s.fitForOther(r.Context(), session, d.Typed); {
		case err != nil:
			return err
		case fit == CheckFresh:
			s.cfg.StepUp(w, r, s.pagePath(PathDevice))
			return nil
		case fit != "":
			return s.refusedDevice(r, c, session, refuse(CheckShown, "Your network has changed. Enter the code again."))
		}
	}
	if err := s.answerDevice(r, c, session, d, allow); err != nil {
		return err
	}
	s.cfg.Render(w, r, http.StatusOK, DonePage{Allowed: allow, ClientSays: d.ClientName})
	return nil
}

func (s *Server) answerDevice(r *http.Request, c call, session Session, d DeviceCode, allow bool) error {
	to, name := DeviceDenied, EventDenyDevice
	if allow {
		to, name = DeviceApproved, EventApproveDevice
	}
	err := s.cfg.Store.InTx(r.Context(), func(ctx context.Context) error {
		if err := s.cfg.Store.AnswerDevice(ctx, d.Hash, to, approval(session), s.cfg.Now()); err != nil {
			return err
		}
		return s.cfg.OnEvent(ctx, s.event(r, c, name, func(e *Event) {
			e.PersonID, e.SessionID, e.Flow, e.ClientName = session.PersonID, session.ID, FlowDevice, d.ClientName
		}))
	})
	if errors.Is(err, ErrTaken) {
		return refuse(CheckUserCode, "The code was answered already or has expired.")
	}
	return err
}

func approval(s Session) Approval {
	return Approval{SessionID: s.ID, PersonID: s.PersonID, AuthTime: s.AuthTime, AMR: s.AMR}
}
