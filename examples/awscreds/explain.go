// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"net"

	"github.com/aws/smithy-go"

	"github.com/gatehouse-id/gatehouse/sts"
)

// exitStatus ends the program with a status and no words of its own.
type exitStatus int

func (s exitStatus) Error() string { return "" }

func clean(s string) string { return sts.CleanText(s) }

// explain finds the exit status and the sentence for an error.
func explain(err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	if e, ok := errors.AsType[*sts.Error](err); ok {
		text := e.Public
		if text == "" {
			text = e.Error()
		}
		return &failure{statusOf(e.Check), text, err}
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return &failure{statusOfCode(api.ErrorCode()), sentenceOf(api), err}
	}
	if errors.Is(err, context.Canceled) {
		return &failure{exitFailed, "Interrupted.", err}
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return &failure{exitUnavailable, "The portal cannot be reached. Check network and proxy.", err}
	}
	return &failure{exitFailed, err.Error(), err}
}

func statusOf(c sts.Check) int {
	switch c {
	case sts.CheckUnavailable, sts.CheckThrottled:
		return exitUnavailable
	case sts.CheckDenied, sts.CheckRejected:
		return exitRefused
	case sts.CheckExpired:
		return exitSignIn
	case sts.CheckInput, sts.CheckProfile, sts.CheckDestination:
		return exitUsage
	}
	return exitFailed
}

// statusOfCode knows the codes of the portal API and of OIDC.
func statusOfCode(code string) int {
	switch code {
	case "UnauthorizedException", "ExpiredTokenException", "InvalidGrantException":
		return exitSignIn
	case "ForbiddenException", "AccessDeniedException", "ResourceNotFoundException":
		return exitRefused
	case "TooManyRequestsException", "SlowDownException", "InternalServerException", "UnknownError":
		return exitUnavailable
	}
	return exitFailed
}

func sentenceOf(api smithy.APIError) string {
	switch api.ErrorCode() {
	case "UnauthorizedException", "InvalidGrantException":
		return "The sign-in has ended. Run: awscreds login"
	case "ExpiredTokenException":
		return "Nobody approved the sign-in in time. Run: awscreds login"
	case "ForbiddenException", "ResourceNotFoundException":
		return "This role is not yours. Run awscreds list to see what is, or ask for it: " + api.ErrorMessage()
	case "AccessDeniedException":
		return "The sign-in was refused. " + api.ErrorMessage()
	case "TooManyRequestsException":
		return "The portal is throttling. Wait a moment and try again."
	}
	return api.ErrorCode() + ": " + api.ErrorMessage()
}
