// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed static
var staticFiles embed.FS

// asset is one static file, its name bound to its content.
type asset struct {
	name   string // "app.0123456789ab.css"
	kind   string
	plain  []byte
	packed []byte // gzip, where it is smaller
}

var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

// loadAssets reads the static files by their plain names.
func loadAssets() (map[string]asset, error) {
	assets := map[string]asset{}
	files, err := fs.ReadDir(staticFiles, "static")
	if err != nil {
		return nil, fmt.Errorf("ui: static files: %w", err)
	}
	for _, f := range files {
		content, err := staticFiles.ReadFile("static/" + f.Name())
		if err != nil {
			return nil, fmt.Errorf("ui: static file: %w", err)
		}
		sum := sha256.Sum256(content)
		ext := path.Ext(f.Name())
		a := asset{
			name:  strings.TrimSuffix(f.Name(), ext) + "." + hex.EncodeToString(sum[:6]) + ext,
			kind:  contentTypes[ext],
			plain: content,
		}
		if a.kind == "" {
			return nil, fmt.Errorf("ui: static file %s has no content type", f.Name())
		}
		if packed := pack(content); len(packed) < len(content) {
			a.packed = packed
		}
		assets[f.Name()] = a
	}
	return assets, nil
}

func pack(content []byte) []byte {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	_, _ = z.Write(content) // a bytes.Buffer does not fail
	_ = z.Close()
	return b.Bytes()
}

// Static serves the style sheet, the scripts and the icon, for mounting at
// BasePath + [PathStatic]. Names carry a hash of the content, so that browsers
// may keep the files for good; it looks at the last segment of the path only.
func (u *UI) Static() http.Handler {
	byName := make(map[string]asset, len(u.assets))
	for _, a := range u.assets {
		byName[a.name] = a
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ok := byName[path.Base(r.URL.Path)]
		if !ok {
			http.NotFound(w, r)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		a.serve(w, r)
	})
}

func (a asset) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Add("Vary", "Accept-Encoding")
	body := a.plain
	if a.packed != nil && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = a.packed
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(body) // the client has gone if this fails
	}
}
