// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"html/template"
	"net/http"

	"github.com/gatehouse-id/gatehouse/portal/ui"
)

var indexTemplate = template.Must(template.New("index").Parse(`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><title>The pages of the portal</title><link rel="stylesheet" href="{{.Style}}"><link rel="icon" href="{{.Icon}}"></head>
<body><main class="card"><h1>The pages of the portal</h1>
{{range .Pages}}<h2>{{.Name}}</h2>
<ul>{{range .States}}<li><a href="{{.Path}}">{{.Name}}</a></li>{{end}}</ul>
{{end}}</main></body></html>
`))

type indexEntry struct {
	Name   string
	Path   string
	States []indexEntry
}

// index lists every state of every page.
func index(u *ui.UI, samples []sample) http.Handler {
	var pages []indexEntry
	for _, s := range samples {
		if len(pages) == 0 || pages[len(pages)-1].Name != s.page {
			pages = append(pages, indexEntry{Name: s.page})
		}
		last := &pages[len(pages)-1]
		last.States = append(last.States, indexEntry{Name: s.state, Path: s.slug()})
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'")
		_ = indexTemplate.Execute(w, map[string]any{
			"Style": u.Asset("app.css"), "Icon": u.Asset("icon.svg"), "Pages": pages,
		})
	})
}
