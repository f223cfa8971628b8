// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package radius

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"
)

// errNoReply says that a server did not answer in time.
var errNoReply = errors.New("radius: no reply")

// exchange sends one signed request to a server and returns its authentic
// reply. It has a socket of its own, so that nobody off the path knows the
// port, and a connected one, so that a refusal by ICMP comes back at once.
// It reads into buf, and gives up at the latest when it is until.
func (f *Factor) exchange(ctx context.Context, s *server, request, buf []byte, until time.Time) (packet, error) {
	conn, err := dial(ctx, s.Addr, until)
	if err != nil {
		return packet{}, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()

	wait := jitter(f.cfg.Timeout)
	for try := 0; ; try++ {
		if _, err := conn.Write(request); err != nil {
			return packet{}, err
		}
		p, err := await(ctx, conn, s, request, buf, wait, until)
		if err == nil || !errors.Is(err, errNoReply) || try >= f.cfg.Retries || !time.Now().Before(until) {
			return p, err
		}
		wait += jitter(wait) // RFC 5080 2.2.1: doubling, with jitter
	}
}

// dial resolves names only.
func dial(ctx context.Context, addr string, until time.Time) (net.Conn, error) {
	if ip, err := netip.ParseAddrPort(addr); err == nil {
		return net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(ip))
	}
	d := net.Dialer{Deadline: until}
	return d.DialContext(ctx, "udp", addr)
}

// await reads until a reply is authentic or the time is over. What is not is
// dropped without a word: to fail on it would let anyone deny the service.
func await(ctx context.Context, conn net.Conn, s *server, request, buf []byte, wait time.Duration, until time.Time) (packet, error) {
	end := time.Now().Add(wait)
	if end.After(until) {
		end = until
	}
	if err := conn.SetReadDeadline(end); err != nil {
		return packet{}, err
	}
	if err := ctx.Err(); err != nil {
		return packet{}, err
	}
	var dropped error
	for {
		n, err := conn.Read(buf)
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			if err := ctx.Err(); err != nil {
				return packet{}, errors.Join(err, dropped)
			}
			return packet{}, errors.Join(fmt.Errorf("%w from %s in %v", errNoReply, s.Addr, wait), dropped)
		}
		if err != nil {
			return packet{}, errors.Join(err, dropped)
		}
		p, err := accept(buf[:n], s, request)
		if err == nil {
			return p, nil
		}
		dropped = err
	}
}

// accept says whether bytes are the server's reply to the request.
func accept(b []byte, s *server, request []byte) (packet, error) {
	p, err := parse(b)
	if err != nil {
		return p, err
	}
	if p.id != request[1] {
		return p, fmt.Errorf("%w: identifier", errAuthentic)
	}
	if p.code != codeAccept && p.code != codeReject && p.code != codeChallenge {
		return p, fmt.Errorf("%w: code %d", errAuthentic, p.code)
	}
	if err := p.authentic([16]byte(request[authenticatorOffset:headerSize]), s.key, s.AllowUnsignedReplies || s.TLS != nil); err != nil {
		return p, err
	}
	// BlastRADIUS hides its garbage in Proxy-State; we sent none, so a reply
	// has none (RFC 2865 5.33).
	if _, surprise := p.get(typeProxyState); surprise {
		return p, fmt.Errorf("%w: Proxy-State", errAuthentic)
	}
	return p, nil
}

// jitter is d within ten per cent (RFC 5080 2.2.1).
func jitter(d time.Duration) time.Duration {
	return d - d/10 + rand.N(max(1, d/5))
}
