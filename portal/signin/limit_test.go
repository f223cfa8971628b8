// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package signin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// buckets keep only limits.
type buckets struct {
	Store
	tat map[string]time.Time
}

func (b buckets) TakeLimit(_ context.Context, key string, now time.Time, interval time.Duration, burst int) (bool, time.Duration, error) {
	next := b.tat[key]
	if next.Before(now) {
		next = now
	}
	if next = next.Add(interval); next.Sub(now) > time.Duration(burst)*interval {
		return false, next.Sub(now) - time.Duration(burst)*interval, nil
	}
	b.tat[key] = next
	return true, 0, nil
}

func machine(now time.Time) (*Machine, buckets) {
	b := buckets{tat: map[string]time.Time{}}
	return &Machine{c: Config{Store: b, Key: bytes.Repeat([]byte{1}, 32), Now: func() time.Time { return now }}}, b
}

func refused(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Check == CheckRate && e.RetryAfter > 0
}

func TestAdmitCountsByAddress(t *testing.T) {
	m, _ := machine(time.Unix(1e9, 0))
	ctx, one, two := t.Context(), netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8:0:1::1")
	for range strangersByAddress.burst {
		if err := m.Admit(ctx, ByPasskey, one, ""); err != nil {
			t.Fatal(err)
		}
	}
	for _, surface := range []Surface{ByPasskey, BySource, ByApplication} {
		if err := m.Admit(ctx, surface, one.Next(), ""); !refused(err) { // the same /64
			t.Errorf("%s: one more of an address: %v", surface, err)
		}
	}
	if err := m.Admit(ctx, ByPasskey, two, ""); err != nil {
		t.Errorf("another address: %v", err)
	}
	cookie := m.MarkDevice("", "alice")
	if err := m.Admit(ctx, ByPasskey, one, cookie); err != nil {
		t.Errorf("a browser that somebody has signed in from: %v", err)
	}
	for what, forged := range map[string]string{
		"of no browser": "x", "without a mark": cookie[:26], "of another browser": strings.Repeat("A", 26) + cookie[26:], "too long": cookie + strings.Repeat(".a", 300),
	} {
		if err := m.Admit(ctx, ByPasskey, one, forged); !refused(err) {
			t.Errorf("a device cookie %s: %v", what, err)
		}
	}
	for range strangersByDevice.burst - 1 {
		if err := m.Admit(ctx, ByPasskey, one, cookie); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Admit(ctx, ByPasskey, two, cookie); !refused(err) {
		t.Errorf("one more of a known browser: %v", err)
	}
}

// The addresses of one block are counted together, and use up no more than
// their share of what all have.
func TestAdmitCountsByBlock(t *testing.T) {
	for name, c := range map[string]struct{ inside, outside string }{
		"IPv6":             {"2001:db8:5:%d::1", "2001:db8:6::1"},
		"IPv4":             {"192.0.2.%d", "192.0.3.0"},
		"IPv4 within IPv6": {"::ffff:192.0.2.%d", "192.0.3.0"},
	} {
		t.Run(name, func(t *testing.T) {
			m, limits := machine(time.Unix(1e9, 0))
			ctx, outside := t.Context(), netip.MustParseAddr(c.outside)
			inside := func(i int) netip.Addr { return netip.MustParseAddr(fmt.Sprintf(c.inside, i)) }
			for i := range strangersByBlock.burst {
				if err := m.Admit(ctx, BySource, inside(i%100), ""); err != nil {
					t.Fatal(i, err)
				}
			}
			last := inside(255)
			pot := limits.tat[m.limitKey(strangersTogether, string(BySource))]
			for _, surface := range []Surface{ByPasskey, BySource, ByApplication} {
				if err := m.Admit(ctx, surface, last, ""); !refused(err) {
					t.Errorf("%s: one more of a block: %v", surface, err)
				}
			}
			if now := limits.tat[m.limitKey(strangersTogether, string(BySource))]; now != pot {
				t.Error("what a block may not have is counted for all")
			}
			if err := m.Admit(ctx, BySource, outside, ""); err != nil {
				t.Errorf("another block: %v", err)
			}
			if err := m.Admit(ctx, BySource, last, m.MarkDevice("", "alice")); err != nil {
				t.Errorf("a browser that somebody has signed in from: %v", err)
			}
		})
	}
}

// One address uses up its own share and not that of its block.
func TestAdmitKeepsNeighbours(t *testing.T) {
	m, _ := machine(time.Unix(1e9, 0))
	addr := netip.MustParseAddr("192.0.2.1")
	for range 2 * strangersByBlock.burst {
		if err := m.Admit(t.Context(), ByPasskey, addr, ""); err != nil && !refused(err) {
			t.Fatal(err)
		}
	}
	if err := m.Admit(t.Context(), ByPasskey, addr.Next(), ""); err != nil {
		t.Errorf("a neighbour: %v", err)
	}
}

// Many addresses together fill one surface, and no known browser's.
func TestAdmitCountsTogether(t *testing.T) {
	m, _ := machine(time.Unix(1e9, 0))
	ctx, addr := t.Context(), netip.MustParseAddr("10.0.0.0")
	for range strangersTogether.burst {
		if err := m.Admit(ctx, ByApplication, addr, ""); err != nil {
			t.Fatal(err)
		}
		addr = addr.Next()
	}
	if err := m.Admit(ctx, ByApplication, addr, ""); !refused(err) {
		t.Errorf("one more of all: %v", err)
	}
	if err := m.Admit(ctx, ByPasskey, addr, ""); err != nil {
		t.Errorf("another surface: %v", err)
	}
	if err := m.Admit(ctx, ByApplication, addr, m.MarkDevice("", "alice")); err != nil {
		t.Errorf("a known browser: %v", err)
	}
}

func TestDeviceCookie(t *testing.T) {
	m, _ := machine(time.Unix(1e9, 0))
	cookie := ""
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "B"} {
		cookie = m.MarkDevice(cookie, name)
	}
	id, _ := m.Device(cookie, "")
	for name, want := range map[string]bool{"a": false, "b": true, "c": true, "f": true, "F": true, "": false, "\x00": false} {
		if got, known := m.Device(cookie, name); known != want || got != id {
			t.Errorf("%q is known: %v, want %v", name, known, want)
		}
	}
	if len(cookie) > 512 || m.returning(cookie) != id {
		t.Errorf("cookie of %d bytes is of %q", len(cookie), m.returning(cookie))
	}
	// One that was made before browsers were marked as a whole gets the mark.
	old := strings.Join([]string{id, m.deviceMAC(id, "a")}, ".")
	if m.returning(old) != "" || m.returning(m.MarkDevice(old, "a")) != id {
		t.Error("an older cookie is not marked again")
	}
}
