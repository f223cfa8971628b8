// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa_test

import (
	"context"
	"errors"
	"io"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/wneessen/go-mail"

	"github.com/gatehouse-id/gatehouse/internal/seal"
	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/code"
)

// sink is an SMTP server that keeps what it gets.
type sink struct{ got chan string }

func (s *sink) NewSession(*smtp.Conn) (smtp.Session, error) { return s, nil }
func (*sink) Mail(string, *smtp.MailOptions) error          { return nil }
func (*sink) Rcpt(string, *smtp.RcptOptions) error          { return nil }
func (*sink) Reset()                                        {}
func (*sink) Logout() error                                 { return nil }
func (s *sink) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	s.got <- string(b)
	return err
}

// mailer sends by go-mail, as a program would.
type mailer struct {
	host string
	port int
}

func (m mailer) Send(ctx context.Context, msg code.Message) error {
	out := mail.NewMsg()
	if err := errors.Join(out.From("no-reply@example.com"), out.To(msg.To)); err != nil {
		return err
	}
	out.Subject("Your code")
	out.SetBodyString(mail.TypeTextPlain, "Your code is "+msg.Code+". It ends at "+msg.ExpiresAt.Format(time.RFC3339)+".")
	c, err := mail.NewClient(m.host, mail.WithPort(m.port), mail.WithTLSPolicy(mail.NoTLS), mail.WithHELO("localhost"))
	if err != nil {
		return err
	}
	return c.DialAndSendWithContext(ctx, out)
}

// TestMailCode: a code goes out by SMTP, is read from the message and passes.
func TestMailCode(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &sink{got: make(chan string, 1)}
	server := smtp.NewServer(s)
	server.Domain = "localhost"
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })

	addr := l.Addr().(*net.TCPAddr)
	f, err := code.NewMail(code.Config{
		Sender:  mailer{addr.IP.String(), addr.Port},
		Address: func(_ context.Context, s mfa.Subject) (string, error) { return s.ID + "@example.com", nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	k, err := seal.NewKeyring("1", map[string][]byte{"1": make([]byte, seal.KeySize)})
	if err != nil {
		t.Fatal(err)
	}
	flow, err := mfa.New(mfa.Config{Store: newStore(t, newSQLite(t).open(t)), Sealer: k, Factors: []mfa.Factor{f}})
	if err != nil {
		t.Fatal(err)
	}
	ch, err := flow.Begin(t.Context(), mfa.BeginInput{
		Subject: alice, Kind: mfa.KindMail, Purpose: mfa.Second, Session: browser, Authenticated: password,
	})
	if err != nil {
		t.Fatal(err)
	}
	m, err := netmail.ReadMessage(strings.NewReader(<-s.got))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`\b\d{6}\b`).FindString(string(body))
	if m.Header.Get("To") != "<alice@example.com>" || found == "" {
		t.Fatalf("message to %s: %s", m.Header.Get("To"), body)
	}
	res, err := flow.Finish(t.Context(), ch.ID, mfa.Answer{Session: browser, Data: []byte(found)}, nil)
	if err != nil || !res.Evidence.Fallback {
		t.Errorf("%+v, %v", res, err)
	}
}
