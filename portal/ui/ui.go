// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"path"
	"strings"
	"time"
)

// Config is what all pages share.
type Config struct {
	// Brand is the organisation's name in the header and in titles. Required.
	Brand string
	// BasePath is the prefix that the portal is mounted under: "" for the root,
	// else "/sso". No trailing slash.
	BasePath string
	// Help is where people find help, as text for the foot of every page: an
	// address, a telephone number. Default none.
	Help string
	// Now is the clock for what is left of a session or key. Default time.Now.
	Now func() time.Time
	// OnError is told when a page could not be rendered, which is a fault of the
	// program. Default nothing; the browser gets a plain 500 either way.
	OnError func(error)
}

// UI renders pages. It is immutable and safe for concurrent use.
type UI struct {
	brand     string
	help      string
	paths     Paths
	now       func() time.Time
	onError   func(error)
	assets    map[string]asset
	templates map[string]*template.Template
}

//go:embed templates
var templateFiles embed.FS

// New validates c, and parses every template, so that a fault in one shows at
// the start.
func New(c Config) (*UI, error) {
	if strings.TrimSpace(c.Brand) == "" {
		return nil, errors.New("ui: Config.Brand is empty")
	}
	if c.BasePath != "" && (c.BasePath[0] != '/' || path.Clean(c.BasePath) != c.BasePath || c.BasePath == "/") {
		return nil, fmt.Errorf("ui: Config.BasePath %q is neither empty nor a clean path like /sso", c.BasePath)
	}
	assets, err := loadAssets()
	if err != nil {
		return nil, err
	}
	u := &UI{
		brand: c.Brand, help: c.Help, paths: NewPaths(c.BasePath),
		now: c.Now, onError: c.OnError, assets: assets,
	}
	if u.now == nil {
		u.now = time.Now
	}
	if u.onError == nil {
		u.onError = func(error) {}
	}
	u.templates, err = parseTemplates(u.functions())
	if err != nil {
		return nil, err
	}
	return u, nil
}

// Paths returns the links below the base path.
func (u *UI) Paths() Paths { return u.paths }

// parseTemplates makes one set per page: the layout, the parts, and the page.
func parseTemplates(functions template.FuncMap) (map[string]*template.Template, error) {
	base, err := template.New("").Funcs(functions).ParseFS(templateFiles, "templates/layout.html", "templates/part-*.html")
	if err != nil {
		return nil, fmt.Errorf("ui: layout: %w", err)
	}
	files, err := templateFiles.ReadDir("templates")
	if err != nil {
		return nil, fmt.Errorf("ui: templates: %w", err)
	}
	templates := map[string]*template.Template{}
	for _, f := range files {
		name := strings.TrimSuffix(f.Name(), ".html")
		if name == "layout" || strings.HasPrefix(name, "part-") {
			continue
		}
		t, err := base.Clone()
		if err == nil {
			t, err = t.ParseFS(templateFiles, "templates/"+f.Name())
		}
		if err != nil {
			return nil, fmt.Errorf("ui: template %s: %w", name, err)
		}
		templates[name] = t
	}
	return templates, nil
}

// data is what the layout and every page template sees; the page's own fields
// are under .Page.
type data struct {
	Page    Page
	Brand   string
	Help    string
	Title   string
	Section section
	Frame   *Frame
	Wide    bool
	Style   string
	Icon    string
	Scripts []string
	Console string // for fragment.js
}

// Render writes a page with its status and headers. Nothing is written before
// the page is whole: a fault gives a plain 500 and a call of [Config.OnError].
func (u *UI) Render(w http.ResponseWriter, status int, page Page) {
	v := page.view()
	body, err := u.execute(v, page)
	if err == nil {
		err = headers(w.Header(), v)
	}
	if err != nil {
		u.onError(err)
		w.Header().Del("Refresh")
		w.Header().Del("Content-Security-Policy")
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, "The page could not be shown.", http.StatusInternalServerError)
		return
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client has gone if this fails
}

func (u *UI) execute(v view, page Page) ([]byte, error) {
	t, ok := u.templates[v.template]
	if !ok {
		return nil, fmt.Errorf("ui: no template %q", v.template)
	}
	d := data{
		Page: page, Brand: u.brand, Help: u.help, Title: v.title, Section: v.section, Frame: v.frame, Wide: v.wide,
		Style: u.Asset("app.css"), Icon: u.Asset("icon.svg"), Console: u.paths.At(PathConsole),
	}
	for _, s := range v.scripts {
		d.Scripts = append(d.Scripts, u.Asset(s))
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "layout", d); err != nil {
		return nil, fmt.Errorf("ui: %w", err)
	}
	return b.Bytes(), nil
}

// Asset is the link of a static file, for a page of one's own in the same
// dress: "app.css", "icon.svg". It is empty for a file that does not exist.
func (u *UI) Asset(name string) string {
	if _, ok := u.assets[name]; !ok {
		return ""
	}
	return u.paths.At(PathStatic) + u.assets[name].name
}
