// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package axe opens every page of examples/uibook in Chromium and lets
// axe-core look for accessibility faults, at three widths and in both colour
// schemes; the console must stay silent all the while.
//
// With GATEHOUSE_SCREENSHOTS set to a folder, the tests also leave an image of
// every page there.
package axe

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The release of axe-core that the tests stand on.
const (
	version = "4.14.1"
	sum     = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c" // SHA-256 of axe.min.js
)

// engine returns the text of axe.min.js: the file that GATEHOUSE_AXE names, the
// one in the user's cache, or the npm package's. Where npm is missing the test
// is skipped, or fails if GATEHOUSE_PEERS is "require".
func engine(tb testing.TB) string {
	tb.Helper()
	if path := os.Getenv("GATEHOUSE_AXE"); path != "" {
		script, err := os.ReadFile(path)
		if err != nil {
			tb.Fatalf("GATEHOUSE_AXE: %v", err)
		}
		return string(script)
	}
	script, err := cached(tb.TempDir())
	switch {
	case err == nil:
		return string(script)
	case errors.Is(err, exec.ErrNotFound) && os.Getenv("GATEHOUSE_PEERS") != "require":
		tb.Skip("no axe-core: install Debian's package npm, or set GATEHOUSE_AXE to axe.min.js")
	default:
		tb.Fatalf("axe-core: %v", err)
	}
	return ""
}

func cached(temp string) ([]byte, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return fetch(temp)
	}
	path := filepath.Join(cache, "gatehouse", "axe-core-"+version+".min.js")
	if script, err := os.ReadFile(path); err == nil && known(script) {
		return script, nil
	}
	script, err := fetch(temp)
	if err != nil {
		return nil, err
	}
	// Without a cache the next run fetches again.
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err == nil {
		_ = os.WriteFile(path, script, 0o644)
	}
	return script, nil
}

func known(script []byte) bool {
	digest := sha256.Sum256(script)
	return hex.EncodeToString(digest[:]) == sum
}

// fetch asks npm for the package and reads the one file out of it.
func fetch(temp string) ([]byte, error) {
	pack := exec.Command("npm", "pack", "--silent", "axe-core@"+version)
	pack.Dir = temp
	if out, err := pack.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("npm pack: %w: %s", err, out)
	}
	f, err := os.Open(filepath.Join(temp, "axe-core-"+version+".tgz"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	for archive := tar.NewReader(z); ; {
		entry, err := archive.Next()
		if err != nil {
			return nil, fmt.Errorf("package/axe.min.js: %w", err)
		}
		if entry.Name != "package/axe.min.js" {
			continue
		}
		script, err := io.ReadAll(archive)
		if err == nil && !known(script) {
			err = errors.New("axe.min.js is not the file that this test knows")
		}
		return script, err
	}
}
