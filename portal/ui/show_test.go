// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package ui_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/portal/ui"
)

func TestSessionCountdown(t *testing.T) {
	u := newUI(t, "")
	for left, want := range map[time.Duration]string{
		-time.Hour:                   "0 min",
		30 * time.Second:             "1 min",
		59 * time.Minute:             "59 min",
		time.Hour:                    "1 h",
		7*time.Hour + 48*time.Minute: "7 h 48 min",
		24 * time.Hour:               "1 d",
		50*time.Hour + time.Minute:   "2 d 2 h",
	} {
		body := render(t, u, ui.PortalHome{Frame: ui.Frame{SessionEnds: now.Add(left)}}).Body.String()
		if !strings.Contains(body, ">"+want+"</span>") {
			t.Errorf("%v: no %q in the header", left, want)
		}
	}
}

func TestAccountNumberCopiesWhole(t *testing.T) {
	body := render(t, newUI(t, ""), ui.PortalHome{Accounts: []ui.Account{{ID: "210987654321", Name: "Shop", Colour: "no such colour"}, {ID: "<b>"}}, Total: 2}).Body.String()
	for _, want := range []string{"2109<i>8765</i>4321", "&lt;b&gt;", `class="who grey"`} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s", want)
		}
	}
}

func TestHomeCounts(t *testing.T) {
	u := newUI(t, "")
	account := []ui.Account{{ID: "210987654321", Name: "Shop"}}
	for want, page := range map[string]ui.PortalHome{
		">1 account</p>":               {Accounts: account, Total: 1, All: 1},
		"The first 1 of 2314 matches.": {Accounts: account, Total: 2314, All: 2314},
		"1 match for “shop” of 9 acc":  {Accounts: account, Total: 1, All: 9, Query: "shop"},
		"Nothing matches “bicycle”.":   {Query: "bicycle", All: 9},
		"<h2>No accounts yet</h2>":     {},
		`data-filter="rows"`:           {Accounts: account, Total: 1, All: 1},
		`data-filter=""`:               {Accounts: account, Total: 2, All: 2},
	} {
		if !strings.Contains(render(t, u, page).Body.String(), want) {
			t.Errorf("no %q", want)
		}
	}
}

func TestCredentialForms(t *testing.T) {
	p := ui.Credentials{
		Account: ui.Account{ID: "210987654321"}, Role: "Dev", Region: "eu-north-1",
		Keys: &ui.Keys{AccessKeyID: "ASIA", SecretAccessKey: "s'e\ncret", SessionToken: "tok", Expires: now},
	}
	want := map[string]string{
		"bash":       "export AWS_ACCESS_KEY_ID='ASIA'\nexport AWS_SECRET_ACCESS_KEY='s'\\''e\ncret'\nexport AWS_SESSION_TOKEN='tok'\nexport AWS_REGION='eu-north-1'",
		"powershell": "$Env:AWS_ACCESS_KEY_ID='ASIA'\n$Env:AWS_SECRET_ACCESS_KEY='s''e\ncret'\n$Env:AWS_SESSION_TOKEN='tok'\n$Env:AWS_REGION='eu-north-1'",
		"file":       "[210987654321_Dev]\naws_access_key_id = ASIA\naws_secret_access_key = s'ecret\naws_session_token = tok",
	}
	for _, f := range p.Forms() {
		if f.ID == "json" {
			var process map[string]any
			if err := json.Unmarshal([]byte(f.Text), &process); err != nil {
				t.Fatal(err)
			}
			if process["Version"] != 1.0 || process["SecretAccessKey"] != "s'e\ncret" || process["Expiration"] != "2026-11-24T09:12:00Z" {
				t.Errorf("json: %v", process)
			}
			continue
		}
		if f.Text != want[f.ID] {
			t.Errorf("%s:\n%s\nwant\n%s", f.ID, f.Text, want[f.ID])
		}
	}
	if forms := (ui.Credentials{}).Forms(); forms != nil {
		t.Errorf("forms without keys: %v", forms)
	}
	// Keys stay closed until somebody presses.
	if body := render(t, newUI(t, ""), p).Body.String(); strings.Contains(body, "<details name=\"form\" open") || strings.Count(body, `<details name="form">`) != 4 {
		t.Error("keys are shown at once")
	}
}

func TestClientName(t *testing.T) {
	for claimed, want := range map[string]string{
		"aws-cli":                "aws-cli",
		"a\x00b\u202ec\nd":       "abcd",
		strings.Repeat("x", 64):  strings.Repeat("x", 64),
		strings.Repeat("é", 100): strings.Repeat("é", 63) + "…",
	} {
		for what, got := range map[string]string{
			"name": ui.ClientFacts{Claimed: claimed}.SaysItIs(), "program": ui.ClientFacts{Device: claimed}.SaysItRuns(), "notice": ui.Notice{Claimed: claimed}.SaysItIs(),
		} {
			if got != want {
				t.Errorf("%s %q: %q", what, claimed, got)
			}
		}
	}
	// What the server knows stands before what the client says.
	body := render(t, newUI(t, ""), ui.DeviceApprove{Client: ui.ClientFacts{Address: "192.0.2.1", Claimed: "aws-cli", Device: "aws-cli/2 on Linux"}}).Body.String()
	for _, said := range []string{"says it is “aws-cli”", "says it is “aws-cli/2 on Linux”"} {
		if facts, name := strings.Index(body, "192.0.2.1"), strings.Index(body, said); facts < 0 || name < facts {
			t.Errorf("facts at %d, %s at %d", facts, said, name)
		}
	}
}

// The SVG draws exactly the modules, inside the quiet zone.
func TestQR(t *testing.T) {
	modules := make([][]bool, 25)
	for y := range modules {
		modules[y] = make([]bool, 25)
		for x := range modules[y] {
			modules[y][x] = (x*7+y*13)%5 < 2 || x == 24
		}
	}
	page := ui.EnrolTOTP{QR: modules, Secret: "JBSWY3DPE", URI: "otpauth://totp/a:b?secret=JBSWY3DPE"}
	svg := string(page.Image())
	if !strings.Contains(svg, `viewBox="0 0 33 33"`) {
		t.Fatalf("svg %.120s", svg)
	}
	drawn := 0
	for _, m := range regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-(\d+)z`).FindAllStringSubmatch(svg, -1) {
		x, y, n := number(t, m[1]), number(t, m[2]), number(t, m[3])
		for i := range n {
			if !modules[y-4][x-4+i] {
				t.Fatalf("module %d, %d is drawn", x-4+i, y-4)
			}
			drawn++
		}
	}
	dark := 0
	for _, row := range modules {
		for _, module := range row {
			if module {
				dark++
			}
		}
	}
	if drawn != dark {
		t.Errorf("%d of %d dark modules are drawn", drawn, dark)
	}
	if got := fmt.Sprint(page.Groups()); got != "[JBSW Y3DP E]" {
		t.Errorf("groups %s", got)
	}
	body := render(t, newUI(t, ""), page).Body.String()
	if !strings.Contains(body, `href="otpauth://totp/a:b?secret=JBSWY3DPE"`) {
		t.Error("no otpauth link")
	}
	for _, uri := range []string{"javascript:alert(1)", "otpauth:alert", "https://a.example", "otpauth://evil/x", "\x00"} {
		if got := (ui.EnrolTOTP{URI: uri}).Link(); got != "" {
			t.Errorf("%q: link %q", uri, got)
		}
	}
}

func number(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestPaths(t *testing.T) {
	p := ui.NewPaths("/sso")
	for got, want := range map[string]string{
		p.At(ui.PathHome):                                    "/sso/",
		p.At(ui.PathStart):                                   "/sso/start/",
		p.At(ui.PathKeys, "210987654321", "A/B c?"):          "/sso/accounts/210987654321/roles/A%2FB%20c%3F/keys",
		p.At(ui.PathAdminFactorRemove, "p1", "f1"):           "/sso/admin/people/p1/factors/f1/remove",
		p.WithQuery(ui.PathMFA, "flow", "", "factor", "a&b"): "/sso/sign-in/mfa?factor=a%26b",
		p.WithQuery(ui.PathMFA, "flow", ""):                  "/sso/sign-in/mfa",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	// What At fills in, a mux gives back.
	mux := http.NewServeMux()
	var account, role string
	mux.HandleFunc("GET /sso"+ui.PathKeys, func(_ http.ResponseWriter, r *http.Request) {
		account, role = r.PathValue("account"), r.PathValue("role")
	})
	r, err := http.NewRequest(http.MethodGet, p.At(ui.PathKeys, "1%2", "a/b"), nil)
	if err != nil {
		t.Fatal(err)
	}
	mux.ServeHTTP(nil, r)
	if account != "1%2" || role != "a/b" {
		t.Errorf("account %q, role %q", account, role)
	}
}
