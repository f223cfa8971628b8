// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package code_test

import (
	"context"
	"fmt"
	"html/template"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/code"
)

// Codes by mail go out through the program's own mailer, to the address that
// its directory knows.
func ExampleNewMail() {
	f, err := code.NewMail(code.Config{
		Sender: code.SenderFunc(func(_ context.Context, m code.Message) error {
			fmt.Println("a code of", len(m.Code), "digits to", m.To)
			return nil
		}),
		Address: func(_ context.Context, s mfa.Subject) (string, error) { return s.ID + "@example.com", nil },
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(f.Info().Kind, "is a fallback:", f.Info().Fallback)
	// Output:
	// mail is a fallback: true
}

// The page of magic links, with what it shows in the program's own words.
func ExampleNewLinkHandler() {
	link, err := code.NewLink(code.LinkConfig{
		URL:     "https://app.example.com/link",
		Sender:  code.SenderFunc(func(context.Context, code.Message) error { return nil }),
		Address: func(_ context.Context, s mfa.Subject) (string, error) { return s.ID + "@example.com", nil },
	})
	if err != nil {
		log.Fatal(err)
	}
	keys, err := mfa.NewKeyring("1", map[string][]byte{"1": make([]byte, 32)})
	if err != nil {
		log.Fatal(err)
	}
	flow, err := mfa.New(mfa.Config{Store: mfa.NewMemoryStore(1000), Sealer: keys, Factors: []mfa.Factor{link}})
	if err != nil {
		log.Fatal(err)
	}
	page := template.Must(template.New("").Parse(`{{with .Code}}Type {{.}} where you asked for the link.{{else}}{{if .Err}}Ask for another link.{{else}}` +
		`<form method="post"><input type="hidden" name="token"><button>Sign in</button></form>{{end}}{{end}}
`))
	h, err := code.NewLinkHandler(code.LinkHandlerConfig{
		Flow: flow,
		// Both are of the session that the cookie names, kept where the link was asked for.
		Asked:  func(*http.Request) (session, id string) { return "", "" },
		Commit: func(context.Context, *http.Request, mfa.Result) error { return nil },
		Render: func(w http.ResponseWriter, r *http.Request, p code.LinkPage) {
			if p.Result != nil { // set the session's cookie here
				http.Redirect(w, r, "/", http.StatusSeeOther)
				return
			}
			if p.Err != nil {
				w.WriteHeader(http.StatusForbidden)
			}
			_ = page.Execute(w, p) // and code.LinkScript, as a script of the page
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/link", nil)) // as a mail scanner does
	fmt.Print(w.Body)
	// Output:
	// <form method="post"><input type="hidden" name="token"><button>Sign in</button></form>
}
