// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/gatehouse-id/gatehouse/sts"
)

type serveCmd struct {
	Role   string `arg:"" help:"ACCOUNT/ROLE."`
	Listen string `help:"Loopback address." default:"127.0.0.1:0"`
}

// Run serves one role's credentials until it is interrupted.
func (c *serveCmd) Run(a *app) error {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil || !loopback(host) {
		return fail(exitUsage, err, "The address must be on loopback, such as 127.0.0.1:0.")
	}
	r, err := a.find(c.Role)
	if err != nil {
		return err
	}
	p, err := a.provider(r)
	if err != nil {
		return err
	}
	if _, err := p.Retrieve(a.ctx); err != nil {
		return err
	}
	const path = "/creds"
	endpoint, err := sts.NewEndpoint(map[string]aws.CredentialsProvider{path: p})
	if err != nil {
		return err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(a.ctx, "tcp", c.Listen)
	if err != nil {
		return fail(exitUsage, err, "The address cannot be used: %v", err)
	}
	srv := &http.Server{Handler: endpoint, ReadHeaderTimeout: 5 * time.Second}
	stop := make(chan struct{})
	go func() {
		defer close(stop)
		<-a.ctx.Done()
		_ = srv.Close()
	}()
	uri := "http://" + l.Addr().String() + path
	err = a.print(map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": uri, "AWS_CONTAINER_AUTHORIZATION_TOKEN": endpoint.Token()}, func(w io.Writer) {
		fmt.Fprintf(w, "export AWS_CONTAINER_CREDENTIALS_FULL_URI='%s'\nexport AWS_CONTAINER_AUTHORIZATION_TOKEN='%s'\n", uri, endpoint.Token())
	})
	if err != nil {
		return err
	}
	a.say("Serving %s. Interrupt to end.", r)
	if err := srv.Serve(l); a.ctx.Err() == nil {
		return err
	}
	<-stop
	return nil
}
