// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package seal_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/internal/seal"
)

func key(b byte) []byte { return bytes.Repeat([]byte{b}, seal.KeySize) }

func ring(t *testing.T, primary string, keys map[string][]byte) *seal.Keyring {
	t.Helper()
	k, err := seal.NewKeyring(primary, keys)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestRotation(t *testing.T) {
	old := ring(t, "1", map[string][]byte{"1": key(1)})
	sealed, err := old.Seal([]byte("secret"), []byte("row"))
	if err != nil {
		t.Fatal(err)
	}
	both := ring(t, "2", map[string][]byte{"1": key(1), "2": key(2)})
	got, err := both.Open(sealed, []byte("row"))
	if err != nil || string(got) != "secret" {
		t.Fatalf("Open = %q, %v", got, err)
	}
	if both.Current(sealed) || !old.Current(sealed) {
		t.Error("Current does not tell the keys apart")
	}
	if bytes.Equal(old.Derive("a"), old.Derive("b")) || !bytes.Equal(old.Derive("a"), both.DeriveAll("a")["1"]) {
		t.Error("derived keys are wrong")
	}
}

func TestOpenRefuses(t *testing.T) {
	k := ring(t, "1", map[string][]byte{"1": key(1)})
	sealed, _ := k.Seal([]byte("secret"), []byte("row"))
	changed := bytes.Clone(sealed)
	changed[len(changed)-1] ^= 1
	for name, in := range map[string][]byte{
		"empty": nil, "length past the end": {200, 1}, "unknown key": append([]byte{1, '9'}, sealed[2:]...),
		"changed": changed, "cut": sealed[:10],
	} {
		if _, err := k.Open(in, []byte("row")); !errors.Is(err, seal.ErrOpen) {
			t.Errorf("%s: err = %v", name, err)
		}
	}
	if _, err := k.Open(append([]byte{1, '9'}, sealed[2:]...), nil); err == nil || !strings.Contains(err.Error(), `key "9"`) {
		t.Errorf("unknown key: err = %v, which does not name it", err)
	}
	if _, err := k.Open(sealed, []byte("other row")); !errors.Is(err, seal.ErrOpen) {
		t.Errorf("other associated data: err = %v", err)
	}
}

func TestNewKeyringRefuses(t *testing.T) {
	for name, keys := range map[string]map[string][]byte{
		"short key": {"1": key(1)[:31]}, "no primary": {"2": key(1)}, "empty id": {"1": key(1), "": key(2)},
	} {
		if _, err := seal.NewKeyring("1", keys); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestHashKeepsPurposesApart(t *testing.T) {
	tok := seal.Token()
	if len(tok) != 43 || tok == seal.Token() {
		t.Errorf("token %q", tok)
	}
	if seal.Hash("a", tok) == seal.Hash("b", tok) {
		t.Error("purposes collide")
	}
}

func FuzzOpen(f *testing.F) {
	k, err := seal.NewKeyring("1", map[string][]byte{"1": key(1)})
	if err != nil {
		f.Fatal(err)
	}
	sealed, _ := k.Seal([]byte("x"), nil)
	f.Add(sealed, []byte(nil))
	f.Fuzz(func(t *testing.T, in, aad []byte) {
		if plain, err := k.Open(in, aad); err == nil && (string(plain) != "x" || len(aad) != 0) {
			t.Errorf("opened %q", plain)
		}
	})
}
