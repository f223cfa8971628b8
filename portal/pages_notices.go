// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal

import (
	"context"
	"net/http"
	"time"

	"github.com/gatehouse-id/gatehouse/internal/seal"
	"github.com/gatehouse-id/gatehouse/portal/awssso"
	"github.com/gatehouse-id/gatehouse/portal/session"
	"github.com/gatehouse-id/gatehouse/portal/ui"
)

func (p *Portal) routeNotices() {
	p.person("POST", ui.PathNoticeDismiss, p.noticeDismiss)
}

// tell keeps a notice of what ended a command-line sign-in, in the transaction
// that ended it. Telling of the same sign-in again adds nothing.
func (p *Portal) tell(ctx context.Context, e awssso.Event) error {
	kind := session.CodeReused
	if e.Check == awssso.CheckRefreshReused {
		kind = session.RefreshReused
	}
	return p.c.Store.AddNotice(ctx, session.Notice{
		ID:       "n-" + seal.Hash("notice", string(kind)+"|"+e.SessionID+"|"+e.FamilyID)[:22],
		PersonID: e.PersonID, Kind: kind, Client: e.ClientName, Time: e.Time.UTC().Truncate(time.Microsecond),
	})
}

var noticeTexts = map[session.NoticeKind]string{
	session.RefreshReused: "A token of it that had been replaced was used again, so somebody may hold a copy. If you did not restore or copy your files, tell your administrator.",
	session.CodeReused:    "Its code was used a second time, so somebody else may have seen it. If you started it only once, tell your administrator.",
}

func (p *Portal) noticesOf(ctx context.Context, personID string) ([]ui.Notice, error) {
	kept, err := p.c.Store.NoticesOf(ctx, personID)
	var out []ui.Notice
	for _, n := range kept {
		out = append(out, ui.Notice{ID: n.ID, Title: "A command-line sign-in was ended", Text: noticeTexts[n.Kind], Claimed: n.Client, Time: n.Time})
	}
	return out, err
}

func (p *Portal) noticeDismiss(w http.ResponseWriter, r *http.Request, c *current) error {
	if err := p.c.Store.DismissNotice(r.Context(), c.person.ID, r.PathValue("id")); err != nil {
		return err
	}
	p.notice(w, "dismissed")
	p.redirect(w, r, p.paths.At(ui.PathSecurity))
	return nil
}
