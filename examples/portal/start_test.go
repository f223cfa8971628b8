// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The sample organisation is made where the operator asked for it, also after
// a kill, and never of a database that is merely empty.
func TestSampleIsAskedFor(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	local := &url.URL{Scheme: "http", Host: "localhost"}
	ask := func(g *Globals, s *serveCmd, base *url.URL) error { return askForSample(t.Context(), g, s, ln, base) }
	open := func(g *Globals) { // as a command does that is killed then
		store, err := g.open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		store.Close()
	}
	decide := func(g *Globals) (sample bool, mark string, err error) {
		store, err := g.open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		sample, err = decideSample(t.Context(), g, store, ln, local)
		mark, merr := store.Setting(t.Context(), settingSample)
		if merr != nil {
			t.Fatal(merr)
		}
		return sample, mark, err
	}
	for name, c := range map[string]struct {
		before func(g *Globals) error
		sample bool
	}{
		"nothing there":      {func(*Globals) error { return nil }, true},
		"killed after it":    {func(g *Globals) error { return ask(g, &serveCmd{}, local) }, true},
		"killed while made":  {func(g *Globals) error { err := ask(g, &serveCmd{}, local); open(g); return err }, true},
		"an empty database":  {func(g *Globals) error { open(g); return nil }, false},
		"with a file":        {func(g *Globals) error { err := ask(g, &serveCmd{Config: "org.yaml"}, local); open(g); return err }, false},
		"an empty file":      {func(g *Globals) error { return os.WriteFile(g.path(), nil, 0o600) }, false},
		"asked of an old db": {func(g *Globals) error { open(g); return ask(g, &serveCmd{}, local) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			g := &Globals{Data: t.TempDir()}
			if err := c.before(g); err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second start finds what the first one left
				if err := ask(g, &serveCmd{}, local); err != nil {
					t.Fatal(err)
				}
				sample, mark, err := decide(g)
				if refused := err != nil && strings.Contains(err.Error(), "holds no organisation"); sample != c.sample || (mark != "") != c.sample || refused == c.sample {
					t.Errorf("sample %v, mark %q, %v", sample, mark, err)
				}
				if _, err := os.Stat(filepath.Join(g.Data, sampleAsked)); !os.IsNotExist(err) {
					t.Errorf("the note is left: %v", err)
				}
			}
		})
	}
	t.Run("not on this machine", func(t *testing.T) {
		g := &Globals{Data: filepath.Join(t.TempDir(), "data")}
		err := ask(g, &serveCmd{}, &url.URL{Scheme: "https", Host: "portal.example.com"})
		if err == nil || !strings.Contains(err.Error(), "loopback base URL only") {
			t.Errorf("asked: %v", err)
		}
		if _, err := os.Stat(g.Data); !os.IsNotExist(err) {
			t.Errorf("the data folder is there: %v", err)
		}
	})
}
