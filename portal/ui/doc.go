// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package ui holds the pages of the access portal: one Go struct per page, its
// template, and the few static files that they share.
//
// Start with [New], [UI.Render] and [UI.Static]. A handler fills a page struct
// such as [PortalHome] and calls Render, which writes status, headers and body:
//
//	u, err := ui.New(ui.Config{Brand: "Acorn Bikes", BasePath: "/sso"})
//	mux.Handle("GET "+ui.PathStatic, u.Static())
//	u.Render(w, http.StatusOK, ui.SignIn{Flow: id, Passkey: true})
//
// The package knows no store and no protocol, and imports the standard library
// only. The names of all paths and form fields stand in paths.go and fields.go;
// the templates and the portal's handlers use the same ones.
//
// Every page carries a strict Content-Security-Policy with Trusted Types, no
// inline script or style, and works without JavaScript, passkeys excepted.
// What a page shows is escaped by html/template; nothing that a person,
// directory or client typed is ever passed on as markup.
//
// examples/uibook serves every page with sample data
// and needs no backend.
package ui
