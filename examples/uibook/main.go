// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Command uibook shows every page of the portal with sample data, in several
// states each, without a portal behind them:
//
//	go run ./examples/uibook --listen 127.0.0.1:8081
//
// The index lists the pages. Links and forms inside a page lead to the sample
// of the page that the portal would answer with, where there is one.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

func main() {
	var flags struct {
		Listen string `default:"127.0.0.1:8081" help:"Loopback address to listen on."`
	}
	kong.Parse(&flags, kong.Name("uibook"), kong.Description("Every page of the portal, with sample data."))
	if err := run(flags.Listen); err != nil {
		fmt.Fprintln(os.Stderr, "uibook:", err)
		os.Exit(1)
	}
}

func run(listen string) error {
	listener, err := listenLoopback(listen)
	if err != nil {
		return err
	}
	origin := "http://" + listener.Addr().String()
	handler, err := newBook(origin)
	if err != nil {
		return err
	}
	fmt.Println(origin + "/")
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// listenLoopback refuses any other address: the samples show keys and tokens,
// if false ones, and nobody signs in.
func listenLoopback(address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("%s is not a loopback address", address)
	}
	return net.Listen("tcp", address)
}
