// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package radius

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// radsecSecret is the shared secret where TLS protects everything (RFC 6614
// 2.3).
const radsecSecret = "radsec"

// prepareTLS copies what RadSec needs, and refuses what would not protect.
func (s *Server) prepareTLS(host string) error {
	if s.TLS.InsecureSkipVerify && s.TLS.VerifyConnection == nil {
		return fmt.Errorf("radius: the certificate of %s is not verified", s.Addr)
	}
	s.TLS = s.TLS.Clone()
	s.TLS.MinVersion = max(s.TLS.MinVersion, tls.VersionTLS12)
	if s.TLS.ServerName == "" {
		s.TLS.ServerName = host
	}
	if len(s.Secret) == 0 {
		s.Secret = []byte(radsecSecret)
	}
	return nil
}

// exchangeTLS is RadSec: one request and one reply over a connection of its
// own. Nothing is sent again, since TCP does it (RFC 6614 2.6), and what is
// not the reply ends the connection.
func (f *Factor) exchangeTLS(ctx context.Context, s *server, request, buf []byte, until time.Time) (packet, error) {
	end := time.Now().Add(f.cfg.Timeout * time.Duration(1+f.cfg.Retries))
	if end.After(until) {
		end = until
	}
	d := tls.Dialer{NetDialer: &net.Dialer{Deadline: end}, Config: s.TLS}
	dctx, cancel := context.WithDeadline(ctx, end) // also of the handshake
	defer cancel()
	conn, err := d.DialContext(dctx, "tcp", s.Addr)
	if err != nil {
		return packet{}, err
	}
	defer conn.Close()
	stop := context.AfterFunc(dctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := conn.Write(request); err != nil {
		return packet{}, err
	}
	b, err := readFramed(conn, buf)
	if err != nil {
		return packet{}, errors.Join(err, dctx.Err())
	}
	return accept(b, s, request)
}

// readFramed reads a packet by the length in its header.
func readFramed(r io.Reader, buf []byte) ([]byte, error) {
	if _, err := io.ReadFull(r, buf[:authenticatorOffset]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(buf[2:]))
	if n < headerSize || n > maxPacket {
		return nil, fmt.Errorf("%w: length %d", errPacket, n)
	}
	_, err := io.ReadFull(r, buf[authenticatorOffset:n])
	return buf[:n], err
}
