// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package radius

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
)

func newFactor(t testing.TB, m Method, servers ...string) *Factor {
	t.Helper()
	c := Config{
		Method: m, Timeout: 5 * time.Second, Deadline: 20 * time.Second, Retries: -1,
		UserName: func(_ context.Context, s mfa.Subject) (string, error) { return s.ID, nil },
	}
	for _, a := range servers {
		c.Servers = append(c.Servers, Server{Addr: a, Secret: testSecret})
	}
	f, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *Factor) answer(t testing.TB, state []byte, answer string) (mfa.Verified, error) {
	t.Helper()
	return f.Verify(t.Context(), mfa.VerifyRequest{
		Subject: mfa.Subject{ID: "alice"}, State: state, Answer: []byte(answer),
		Client: mfa.Client{Addr: netip.MustParseAddr("192.0.2.1")},
	})
}

func accepts(want string) func(packet) reply {
	return func(p packet) reply {
		ms, ok := password(p, want)
		if !ok {
			return reply{code: codeReject}
		}
		return reply{code: codeAccept, microsoft: ms}
	}
}

func TestMethods(t *testing.T) {
	t.Parallel()
	for _, m := range []Method{PAP, CHAP, MSCHAPv2} {
		for _, pw := range []string{"x", "123456", "exactly 16 bytes", "grüße: longer than sixteen bytes"} {
			s := serve(t, accepts(pw))
			f := newFactor(t, m, s.addr())
			v, err := f.answer(t, nil, pw)
			if err != nil || v.Next != nil {
				t.Errorf("%s %q: %+v, %v", m, pw, v, err)
			}
			if _, err := f.answer(t, nil, pw+"x"); mfa.CheckOf(err) != CheckReject {
				t.Errorf("%s wrong: %v", m, err)
			}
		}
	}
}

func TestChallengeRounds(t *testing.T) {
	t.Parallel()
	states := [][]byte{[]byte("one\x00\xff"), bytes.Repeat([]byte{7}, 253)}
	asked := make(chan []byte, 3)
	s := serve(t, func(p packet) reply {
		got, _ := p.get(typeState)
		asked <- bytes.Clone(got)
		switch {
		case len(got) == 0:
			return reply{code: codeChallenge, attributes: []attribute{{typeState, states[0]}, {typeReplyMessage, []byte("  Code\x1b[2J\u202e sent ")}}}
		case bytes.Equal(got, states[0]):
			return reply{code: codeChallenge, attributes: []attribute{{typeState, states[1]}, {typeReplyMessage, []byte{0xff}}}}
		}
		return reply{code: codeAccept}
	})
	other := serve(t, func(packet) reply { t.Error("an answer went to a server that did not ask"); return reply{silent: true} })
	f := newFactor(t, PAP, s.addr(), other.addr())
	v, err := f.answer(t, nil, "password")
	for i, want := range []string{"Code [2J  sent", "Next passcode"} {
		if err != nil || v.Next == nil {
			t.Fatalf("round %d: %+v, %v", i, v, err)
		}
		var p Public
		if err := json.Unmarshal(v.Next.Public, &p); err != nil || p.Prompt != want {
			t.Errorf("prompt %q, want %q", p.Prompt, want)
		}
		v, err = f.answer(t, v.Next.State, "123456")
	}
	if err != nil || v.Next != nil {
		t.Fatalf("%+v, %v", v, err)
	}
	for i, want := range [][]byte{nil, states[0], states[1]} {
		if got := <-asked; !bytes.Equal(got, want) {
			t.Errorf("round %d came with State %q, not %q", i, got, want)
		}
	}
}

// TestDropped: what is not authentic is dropped, and the true reply awaited.
func TestDropped(t *testing.T) {
	t.Parallel()
	s := serve(t, func(p packet) reply {
		r := reply{code: codeReject}
		forge := func(x reply) { r.before = append(r.before, x.encode(p)) }
		forge(reply{code: codeAccept, unsigned: true})
		forge(reply{code: codeAccept, id: func(id byte) byte { return id + 1 }})
		forge(reply{code: 5})
		forge(reply{code: codeAccept, spoil: func(b []byte) { b[4] ^= 1 }})
		forge(reply{code: codeAccept, spoil: func(b []byte) { b[headerSize+2] ^= 1 }})
		forge(reply{code: codeAccept, attributes: []attribute{{typeProxyState, []byte("garbage")}}})
		forge(reply{code: codeAccept, attributes: []attribute{{typeMessageAuthenticator, make([]byte, 16)}}})
		forge(reply{code: codeAccept, spoil: func(b []byte) { b[3]++ }})
		r.before = append(r.before, nil, []byte{2}, bytes.Repeat([]byte{0xff}, 4096))
		return r
	})
	f := newFactor(t, PAP, s.addr())
	if _, err := f.answer(t, nil, "x"); mfa.CheckOf(err) != CheckReject {
		t.Errorf("got %v", err)
	}
}

func TestUnsignedReplies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		reply reply
		allow bool
		want  mfa.Check
	}{
		{"strict", reply{code: codeAccept, unsigned: true}, false, mfa.CheckUpstream},
		{"lenient", reply{code: codeAccept, unsigned: true}, true, ""},
		{"lenient, but signed wrongly", reply{code: codeAccept, spoil: func(b []byte) { b[headerSize+3] ^= 1 }}, true, mfa.CheckUpstream},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(packet) reply { return c.reply })
			f := newFactor(t, PAP, s.addr())
			f.cfg.Timeout, f.servers[0].AllowUnsignedReplies = 50*time.Millisecond, c.allow
			if _, err := f.answer(t, nil, "x"); mfa.CheckOf(err) != c.want {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestServerProof(t *testing.T) {
	t.Parallel()
	for name, ms := range map[string][]attribute{
		"none":  nil,
		"wrong": {{msCHAP2Success, []byte("\x00S=407A5589115FD0D6209F510FE9C04566932CDA56")}},
	} {
		s := serve(t, func(packet) reply { return reply{code: codeAccept, microsoft: ms} })
		if _, err := newFactor(t, MSCHAPv2, s.addr()).answer(t, nil, "x"); mfa.CheckOf(err) != CheckServerProof {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRetransmits(t *testing.T) {
	t.Parallel()
	n := 0
	s := serve(t, func(packet) reply {
		n++
		return reply{code: codeAccept, silent: n < 3}
	})
	f := newFactor(t, PAP, s.addr())
	f.cfg.Timeout, f.cfg.Retries = 20*time.Millisecond, 5
	if _, err := f.answer(t, nil, "x"); err != nil {
		t.Fatal(err)
	}
	first := <-s.raws
	if again := <-s.raws; !bytes.Equal(first, again) {
		t.Error("a retransmission is another packet")
	}
}

func TestFailover(t *testing.T) {
	t.Parallel()
	gone, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused := gone.LocalAddr().String()
	_ = gone.Close()
	silent := serve(t, func(packet) reply { return reply{silent: true} })
	good := serve(t, accepts("x"))
	f := newFactor(t, PAP, refused, silent.addr(), good.addr())
	f.cfg.Timeout = 30 * time.Millisecond
	for range 3 {
		f.cfg.Timeout = min(f.cfg.Timeout, 30*time.Millisecond)
		if _, err := f.answer(t, nil, "x"); err != nil {
			t.Fatal(err)
		}
		f.cfg.Timeout = 5 * time.Second
	}
	if n := silent.requests.Load(); n != 1 {
		t.Errorf("a dead server was asked %d times", n)
	}
	rejects := serve(t, func(packet) reply { return reply{code: codeReject} })
	f = newFactor(t, PAP, rejects.addr(), good.addr())
	before := good.requests.Load()
	if _, err := f.answer(t, nil, "x"); mfa.CheckOf(err) != CheckReject || good.requests.Load() != before {
		t.Errorf("failed over on a reject: %v", err)
	}
	f = newFactor(t, PAP, refused)
	if _, err := f.answer(t, nil, "x"); mfa.CheckOf(err) != mfa.CheckUpstream {
		t.Errorf("no server: %v", err)
	}
	if got := f.order(""); len(got) != 1 {
		t.Errorf("a dead server is not tried when there is no other: %v", got)
	}
}

// TestStates: a question comes with one State, which is not empty.
func TestStates(t *testing.T) {
	t.Parallel()
	for name, attributes := range map[string][]attribute{
		"none":      nil,
		"empty":     {{typeState, nil}},
		"two":       {{typeState, []byte("one")}, {typeState, []byte("two")}},
		"and empty": {{typeState, []byte("one")}, {typeState, nil}},
	} {
		s := serve(t, func(packet) reply { return reply{code: codeChallenge, attributes: attributes} })
		if v, err := newFactor(t, PAP, s.addr()).answer(t, nil, "x"); mfa.CheckOf(err) != CheckChallenge {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
	}
}

// TestPrompt: all that the server says is shown, in order.
func TestPrompt(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 200)
	for _, c := range []struct {
		messages []string
		want     string
	}{
		{nil, "Next passcode"},
		{[]string{""}, "Next passcode"},
		{[]string{"Challenge: 31415.", "Enter response"}, "Challenge: 31415. Enter response"},
		{[]string{"Enter response\n", "\xff"}, "Next passcode"},
		{[]string{long[:maxAttribute], long[maxAttribute:], "Code?"}, long + " Code?"},
	} {
		var p packet
		for _, m := range c.messages {
			p.attributes = append(p.attributes, attribute{typeReplyMessage, []byte(m)}, attribute{typeProxyState, []byte("x")})
		}
		if got := prompt(p); got != c.want {
			t.Errorf("%q: %q, want %q", c.messages, got, c.want)
		}
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	s := serve(t, func(packet) reply { return reply{code: codeChallenge} })
	f := newFactor(t, PAP, s.addr())
	for answer, want := range map[string]mfa.Check{
		"x": CheckChallenge, "": mfa.CheckInput, strings.Repeat("x", 129): mfa.CheckInput,
	} {
		if _, err := f.answer(t, nil, answer); mfa.CheckOf(err) != want {
			t.Errorf("%.5q: %v, want %s", answer, err, want)
		}
	}
	if _, err := f.Begin(t.Context(), mfa.BeginRequest{}); mfa.CheckOf(err) != mfa.CheckCredential {
		t.Errorf("nobody: %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	name := func(context.Context, mfa.Subject) (string, error) { return "", nil }
	good := Config{Servers: []Server{{Addr: "127.0.0.1:1812", Secret: testSecret}}, Method: PAP, UserName: name}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(*Config){
		"servers":  func(c *Config) { c.Servers = nil },
		"name":     func(c *Config) { c.UserName = nil },
		"method":   func(c *Config) { c.Method = "eap" },
		"address":  func(c *Config) { c.Servers[0].Addr = "127.0.0.1" },
		"secret":   func(c *Config) { c.Servers[0].Secret = testSecret[:15] },
		"pap":      func(c *Config) { c.Servers[0].Addr = "192.0.2.1:1812" },
		"deadline": func(c *Config) { c.Deadline = time.Second },
		"nas":      func(c *Config) { c.NASIdentifier = strings.Repeat("x", 254) },
	} {
		c := good
		c.Servers = slices.Clone(good.Servers)
		change(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%s: accepted", what)
		}
	}
}

func FuzzParse(f *testing.F) {
	w := newRequest(1, [16]byte{1})
	w.add(typeUserName, []byte("alice"))
	w.addMicrosoft(msCHAP2Success, []byte("xS="))
	f.Add(w.sign(newKey(testSecret)))
	f.Add([]byte{2, 1, 0, 20})
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := parse(b)
		if err != nil {
			return
		}
		// What was read writes the same bytes again.
		again := &builder{b: slices.Clone(p.raw[:headerSize])}
		for _, a := range p.attributes {
			again.add(a.kind, a.value)
		}
		if !bytes.Equal(again.b, p.raw) {
			t.Fatalf("%x, then %x", p.raw, again.b)
		}
		p.microsoft(msCHAP2Success)
		_ = prompt(p)
		_ = p.authentic([16]byte{}, newKey(testSecret), true)
	})
}

// BenchmarkRoundTrip is one factor's exchange, measured in turns with the bare
// one of BenchmarkUDP: x-udp is the quotient, and the bar is 1.2.
func BenchmarkRoundTrip(b *testing.B) {
	s := serve(b, func(packet) reply { return reply{code: codeAccept} })
	f := newFactor(b, PAP, s.addr())
	const turn = 64
	exchange := bareUDP(b)
	var bare time.Duration
	for i := range b.N {
		if i%turn == 0 {
			b.StopTimer()
			start := time.Now()
			for range min(turn, b.N-i) {
				exchange()
			}
			bare += time.Since(start)
			b.StartTimer()
		}
		if _, err := f.answer(b, nil, "123456"); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	b.ReportMetric(float64(b.Elapsed())/float64(bare), "x-udp")
}

// BenchmarkUDP is the bare exchange of the same packets with the same server.
func BenchmarkUDP(b *testing.B) {
	exchange := bareUDP(b)
	for b.Loop() {
		exchange()
	}
}

func bareUDP(b *testing.B) func() {
	b.Helper()
	s := serve(b, func(packet) reply { return reply{code: codeAccept} })
	out, _ := attempt{name: "alice", password: "123456", method: PAP, nas: "gatehouse", station: "192.0.2.1"}.request(newKey(testSecret))
	in := make([]byte, maxPacket)
	return func() {
		c, err := net.Dial("udp", s.addr())
		if err != nil {
			b.Fatal(err)
		}
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		if _, err := c.Write(out); err != nil {
			b.Fatal(err)
		}
		if _, err := c.Read(in); err != nil {
			b.Fatal(err)
		}
		_ = c.Close()
	}
}
