// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package radius is a RADIUS server (RFC 2865) as a factor: what the person
// types goes to it, and it answers yes, no or with another question.
//
// [New] makes the factor for [mfa.Config]. Every request is signed with a
// Message-Authenticator, first in the packet, and every reply must be
// (BlastRADIUS, CVE-2024-3596); a server that is too old for that is named so
// with [Server].AllowUnsignedReplies. Replies that are not authentic are
// dropped while the client waits on. A server that is silent or refuses the
// connection is passed over for the next, for a while; one that says no is
// believed. When no server answers at all, that is [mfa.CheckUpstream], and it
// costs the person an attempt as every answer does: a server that delays its
// noes would make guesses free otherwise. After an outage that has locked
// people, [mfa.Flow.Unlock] lets them in again.
//
// RADIUS over UDP protects little: passwords by PAP are hidden with MD5 alone,
// and an observer of MS-CHAPv2 can find the password. Use it on networks of
// your own, or for one-time codes, or use RadSec ([Server].TLS).
package radius

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gatehouse-id/gatehouse/mfa"
)

// Checks of this factor, beside mfa's own.
const (
	// CheckReject: the server said no (Access-Reject).
	CheckReject mfa.Check = "radius-reject"
	// CheckServerProof: the server accepted without showing that it knows the
	// password (RFC 2759 8.8).
	CheckServerProof mfa.Check = "radius-server-proof"
	// CheckChallenge: the server asked another question without the one State
	// to answer it with (RFC 2865 5.24, 5.44).
	CheckChallenge mfa.Check = "radius-challenge"
)

// Method is how the password travels.
type Method string

// The methods.
const (
	PAP      Method = "pap"
	CHAP     Method = "chap"
	MSCHAPv2 Method = "mschapv2"
)

// Server is one RADIUS server.
type Server struct {
	// Addr is host and port. Required.
	Addr string
	// Secret is shared with the server, 16 bytes or more. Required without
	// TLS; with it "radsec" by default.
	Secret []byte
	// TLS makes it RadSec (RFC 6614): TCP and TLS with the server's
	// certificate verified, and the client's from TLS.Certificates. Passwords
	// are then protected whatever the method, and replies need no
	// Message-Authenticator.
	TLS *tls.Config
	// AllowUnsignedReplies takes replies without a Message-Authenticator, as
	// servers before mid-2024 send. Such replies can be forged by whoever is
	// on the path (BlastRADIUS). You MUST NOT set it but for an old server
	// behind a network that you trust.
	AllowUnsignedReplies bool
}

// Config is what a [Factor] is made of.
type Config struct {
	// Servers are tried in order. Required.
	Servers []Server
	// Method is [PAP], [CHAP] or [MSCHAPv2]. Required.
	Method Method
	// InsecurePAP lets [PAP] go to servers that are neither on the loopback nor
	// behind TLS.
	// Whoever is on the path can then guess the shared secret offline and read
	// passwords. You MUST NOT set it but for one-time codes on a network that
	// you trust.
	InsecurePAP bool
	// UserName finds the name that the servers know a person by. "" is none:
	// whoever has a name has the factor and need not enrol another, so return
	// "" for people outside of the groups that RADIUS is for. Required.
	UserName func(ctx context.Context, s mfa.Subject) (string, error)
	// NASIdentifier names this client to the servers, "gatehouse" if empty.
	NASIdentifier string
	// Prompt is the first question; "Passcode" if empty.
	Prompt string
	// Timeout is how long to wait for the first reply, 2 s if zero, doubling
	// with every retry.
	Timeout time.Duration
	// Retries are how often a request is sent again to one server, 2 if zero,
	// none if negative.
	Retries int
	// Deadline bounds everything, 15 s if zero. A person waits for it.
	Deadline time.Duration
	// DeadTime is for how long a server that failed is passed over while
	// there are others, a minute if zero.
	DeadTime time.Duration
	// Fallback makes the factor count only where a rule names it: for servers
	// that check a password.
	Fallback bool
	// AMR are the RFC 8176 names of what the servers check, such as "otp".
	AMR []string
}

// Factor implements [mfa.Factor]. It is safe for concurrent use; all it keeps
// is which servers failed lately.
type Factor struct {
	cfg     Config
	servers []*server
	buffers sync.Pool // of *[maxPacket]byte
	mu      sync.Mutex
	dead    map[string]time.Time // until when, by address
}

type server struct {
	Server
	key *key
}

var (
	_ mfa.Factor       = (*Factor)(nil)
	_ mfa.Availability = (*Factor)(nil)
)

// New returns the factor.
func New(c Config) (*Factor, error) {
	if len(c.Servers) == 0 || c.UserName == nil {
		return nil, errors.New("radius: Config wants Servers and UserName")
	}
	if c.Method != PAP && c.Method != CHAP && c.Method != MSCHAPv2 {
		return nil, fmt.Errorf("radius: method %q is unknown", c.Method)
	}
	f := &Factor{dead: map[string]time.Time{}}
	f.buffers.New = func() any { return new([maxPacket]byte) }
	for _, s := range c.Servers {
		host, _, err := net.SplitHostPort(s.Addr)
		if err != nil {
			return nil, fmt.Errorf("radius: server address: %w", err)
		}
		if s.TLS != nil {
			err = s.prepareTLS(host)
		} else if len(s.Secret) < 16 {
			err = fmt.Errorf("radius: the secret of %s has under 16 bytes", s.Addr)
		}
		if err != nil {
			return nil, err
		}
		if c.Method == PAP && !c.InsecurePAP && s.TLS == nil && !loopback(host) {
			return nil, fmt.Errorf("radius: PAP to %s is not protected (InsecurePAP)", s.Addr)
		}
		s.Secret = append([]byte(nil), s.Secret...)
		f.servers = append(f.servers, &server{s, newKey(s.Secret)})
	}
	c.Servers, c.AMR = nil, append([]string(nil), c.AMR...)
	c.NASIdentifier = or(c.NASIdentifier, "gatehouse")
	c.Prompt = or(c.Prompt, "Passcode")
	c.Timeout = or(c.Timeout, 2*time.Second)
	c.Deadline = or(c.Deadline, 15*time.Second)
	c.DeadTime = or(c.DeadTime, time.Minute)
	c.Retries = max(0, or(c.Retries, 2))
	if c.Timeout < 0 || c.Deadline < c.Timeout || c.DeadTime < 0 || len(c.NASIdentifier) > maxAttribute {
		return nil, errors.New("radius: Config wants 0 < Timeout <= Deadline, DeadTime not negative and a NASIdentifier of up to 253 bytes")
	}
	f.cfg = c
	return f, nil
}

func or[T comparable](v, d T) T {
	var zero T
	if v == zero {
		return d
	}
	return v
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Info implements [mfa.Factor].
func (f *Factor) Info() mfa.Info {
	return mfa.Info{Kind: mfa.KindRADIUS, Strength: mfa.Any, Implicit: true, Fallback: f.cfg.Fallback}
}

// Public is what the client is asked.
type Public struct {
	Prompt string `json:"prompt"`
}

// ask is a challenge that keeps, sealed, the server that asked and its State;
// neither, at first.
func ask(server string, state []byte, prompt string) (mfa.Begun, error) {
	var kept []byte
	if server != "" {
		kept = append([]byte(server+"\n"), state...)
	}
	public, err := json.Marshal(Public{Prompt: prompt})
	return mfa.Begun{State: kept, Public: public}, err
}

// Available implements [mfa.Availability]: a person has a name on the servers.
func (f *Factor) Available(ctx context.Context, s mfa.Subject) (bool, error) {
	name, err := f.cfg.UserName(ctx, s)
	return name != "", err
}

// Begin implements [mfa.Factor]. Nothing is sent yet.
func (f *Factor) Begin(ctx context.Context, r mfa.BeginRequest) (mfa.Begun, error) {
	name, err := f.cfg.UserName(ctx, r.Subject)
	if err != nil {
		return mfa.Begun{}, err
	}
	if name == "" {
		return mfa.Begun{}, refuse(mfa.CheckCredential, "You have not set this up.", errors.New("no user name"))
	}
	return ask("", nil, f.cfg.Prompt)
}

// Verify implements [mfa.Factor]: the answer goes to a server, and its reply
// decides.
func (f *Factor) Verify(ctx context.Context, r mfa.VerifyRequest) (mfa.Verified, error) {
	asked, state, _ := bytes.Cut(r.State, []byte{'\n'})
	name, err := f.cfg.UserName(ctx, r.Subject)
	if err != nil {
		return mfa.Verified{}, err
	}
	if name == "" {
		return mfa.Verified{}, refuse(mfa.CheckCredential, mfa.PublicWrong, errors.New("no user name"))
	}
	if len(name) > maxAttribute || len(r.Answer) == 0 || len(r.Answer) > 128 { // RFC 2865 5.2
		return mfa.Verified{}, refuse(mfa.CheckInput, mfa.PublicWrong, errors.New("name or answer is empty or too long"))
	}
	a := attempt{name: name, password: string(r.Answer), state: state, method: f.cfg.Method, nas: f.cfg.NASIdentifier}
	if r.Client.Addr.IsValid() {
		a.station = r.Client.Addr.WithZone("").String()
	}
	return f.ask(ctx, a, string(asked))
}

// ask tries the servers in turn. An answer to a question goes to the server
// that asked it. Silence is passed over; a reply of any kind is not.
func (f *Factor) ask(ctx context.Context, a attempt, only string) (mfa.Verified, error) {
	buf, _ := f.buffers.Get().(*[maxPacket]byte)
	defer f.buffers.Put(buf)
	until := time.Now().Add(f.cfg.Deadline)
	var causes []error
	for _, s := range f.order(only) {
		request, proof := a.request(s.key)
		exchange := f.exchange
		if s.TLS != nil {
			exchange = f.exchangeTLS
		}
		p, err := exchange(ctx, s, request, buf[:], until)
		if err != nil {
			causes = append(causes, err)
			if ctx.Err() != nil {
				break
			}
			f.bury(s.Addr)
			if !time.Now().Before(until) {
				break
			}
			continue
		}
		return f.judge(p, s, proof)
	}
	return mfa.Verified{}, refuse(mfa.CheckUpstream, "The service is not available. Try again later.", errors.Join(causes...))
}

// order returns the servers to try: those alive first.
func (f *Factor) order(only string) []*server {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	var alive, dead []*server
	for _, s := range f.servers {
		switch {
		case only != "" && s.Addr != only:
		case f.dead[s.Addr].After(now):
			dead = append(dead, s)
		default:
			alive = append(alive, s)
		}
	}
	return append(alive, dead...)
}

func (f *Factor) bury(addr string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dead[addr] = time.Now().Add(f.cfg.DeadTime)
}

// judge reads an authentic reply.
func (f *Factor) judge(p packet, s *server, proved func(packet) bool) (mfa.Verified, error) {
	switch p.code {
	case codeAccept:
		if !proved(p) {
			return mfa.Verified{}, refuse(CheckServerProof, mfa.PublicWrong, errors.New("no right MS-CHAP2-Success in Access-Accept"))
		}
		return mfa.Verified{Strength: mfa.Any, AMR: f.cfg.AMR}, nil
	case codeChallenge:
		state := p.all(typeState)
		if len(state) != 1 || len(state[0]) == 0 { // an empty one would make the answer a new sign-in
			return mfa.Verified{}, refuse(CheckChallenge, mfa.PublicAgain, errors.New("Access-Challenge without one State"))
		}
		next, err := ask(s.Addr, state[0], prompt(p))
		return mfa.Verified{Next: &next}, err
	}
	return mfa.Verified{}, refuse(CheckReject, mfa.PublicWrong, errors.New("Access-Reject from "+s.Addr))
}

// prompt is what the server's Reply-Messages say, all and in order (RFC 2865
// 5.18), fit to be shown. The packet bounds it.
func prompt(p packet) string {
	var m []byte
	for _, part := range p.all(typeReplyMessage) {
		m = append(m, part...)
		if len(part) < maxAttribute { // a full one goes on in the next
			m = append(m, ' ')
		}
	}
	if !utf8.Valid(m) {
		m = nil
	}
	s := strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return ' '
		}
		return r
	}, string(m)))
	return or(s, "Next passcode")
}

func refuse(c mfa.Check, public string, cause error) *mfa.Error {
	return &mfa.Error{Check: c, Public: public, Err: cause}
}
