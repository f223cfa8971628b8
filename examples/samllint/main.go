// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Command samllint reads a SAML Response and tells, before it is sent, what
// AWS will refuse in it, in AWS's own words.
//
//	samllint response.xml
//	pbpaste | samllint --now none -
//	samllint --issuer https://idp.example.com/aws --json response.b64
//
// The input is the Response's XML or its base64, as a browser posts it.
// Signatures are not verified: only the account knows the metadata.
//
// Exit status: 0 AWS has nothing to refuse (there may be warnings), 1 it will
// refuse something (or warn, with --strict), 2 the input is no Response or the
// command line is wrong.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/gatehouse-id/gatehouse/saml/awsrole"
)

type flags struct {
	File      string `arg:"" optional:"" default:"-" help:"File with the Response; - is standard input."`
	Issuer    string `help:"entityID of the metadata that the IAM SAML provider holds." placeholder:"ENTITYID"`
	Partition string `help:"The account's partition: aws, aws-cn, aws-us-gov or aws-eusc; by default that of the first role." enum:",aws,aws-cn,aws-us-gov,aws-eusc" default:""`
	Now       string `help:"Time of sending (RFC 3339), or none to leave times alone; by default now." placeholder:"TIME"`
	Strict    bool   `help:"Warnings count too."`
	JSON      bool   `help:"Print the findings as JSON."`
}

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var f flags
	parser, err := kong.New(&f, kong.Name("samllint"), kong.Description("What will AWS refuse in this SAML Response?"), kong.Writers(stdout, stderr))
	if err == nil {
		_, err = parser.Parse(args)
	}
	if err != nil {
		fmt.Fprintln(stderr, "samllint:", err)
		return 2
	}
	findings, err := f.lint(stdin)
	if err != nil {
		fmt.Fprintln(stderr, "samllint:", err)
		return 2
	}
	if err := f.print(stdout, findings); err != nil {
		fmt.Fprintln(stderr, "samllint:", err)
		return 2
	}
	for _, x := range findings {
		if x.Severity == awsrole.Refused || f.Strict {
			return 1
		}
	}
	return 0
}

func (f *flags) lint(stdin io.Reader) ([]awsrole.Finding, error) {
	o := awsrole.LintOptions{Issuer: f.Issuer, Partition: f.Partition}
	switch f.Now {
	case "":
		o.Now = time.Now()
	case "none":
	default:
		var err error
		if o.Now, err = time.Parse(time.RFC3339, f.Now); err != nil {
			return nil, err
		}
	}
	in := stdin
	if f.File != "-" {
		file, err := os.Open(f.File)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		in = file
	}
	doc, err := io.ReadAll(io.LimitReader(in, 2<<20))
	if err != nil {
		return nil, err
	}
	r, err := awsrole.Decode(doc)
	if err != nil {
		return nil, err
	}
	return awsrole.Lint(r, o), nil
}

func (f *flags) print(w io.Writer, findings []awsrole.Finding) error {
	if f.JSON {
		if findings == nil {
			findings = []awsrole.Finding{}
		}
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(findings)
	}
	var b strings.Builder
	for _, x := range findings {
		fmt.Fprintf(&b, "%-7s  %s: %s\n", x.Severity, x.Check, x.Detail)
		if x.AWS != "" {
			fmt.Fprintf(&b, "         AWS says: %s\n", x.AWS)
		}
		fmt.Fprintf(&b, "         %s\n", x.Fix)
	}
	if len(findings) == 0 {
		b.WriteString("Nothing to refuse. The signature and the account's own settings were not looked at.\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
