// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package webauthn

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/mfa/mfatest"
)

// TestExampleEndpoints speaks to the program of examples/passkeys as any
// client of its JSON endpoints does.
func TestExampleEndpoints(t *testing.T) {
	t.Parallel()
	origin := startExample(t, "--no-rate-limit")
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Jar: jar, Transport: transport}
	post := func(path, body string) (int, []byte) {
		t.Helper()
		res, err := client.Post(origin+path, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		got, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, got
	}
	ok := func(path, body string) []byte {
		t.Helper()
		status, got := post(path, body)
		if status != http.StatusOK {
			t.Fatalf("%s: %d %s", path, status, got)
		}
		return got
	}
	signedIn := func() bool {
		t.Helper()
		res, err := client.Get(origin + "/")
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		page, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Contains(page, []byte("You are signed in as ann"))
	}
	a := mfatest.NewAuthenticator(origin)

	creation := ok("/webauthn/register/begin", `{"username":"ann"}`)
	var options struct {
		PublicKey struct {
			RP     struct{ ID string }
			User   struct{ ID, Name string }
			Params []struct {
				Type string
				Alg  int
			} `json:"pubKeyCredParams"`
			Challenge string
			Selection struct{ UserVerification string } `json:"authenticatorSelection"`
		}
	}
	if err := json.Unmarshal(creation, &options); err != nil {
		t.Fatal(err)
	}
	o := options.PublicKey
	var algs []int
	for _, p := range o.Params {
		algs = append(algs, p.Alg)
	}
	if o.RP.ID != "localhost" || o.User.ID == "" || o.User.Name != "ann" || o.Challenge == "" || o.Selection.UserVerification != "required" ||
		!slices.Equal(algs, []int{-7, -8, -257}) {
		t.Errorf("creation options %s", creation)
	}
	answer, err := a.Register(creation)
	if err != nil {
		t.Fatal(err)
	}
	ok("/webauthn/register/finish", string(answer))
	if !signedIn() {
		t.Error("not signed in after the registration")
	}
	for _, body := range []string{`{"username":"ann"}`, `{}`} {
		if client.Jar, err = cookiejar.New(nil); err != nil {
			t.Fatal(err)
		}
		if signedIn() {
			t.Fatal("signed in without a cookie")
		}
		request := ok("/webauthn/login/begin", body)
		var login struct {
			PublicKey struct {
				RPID             string `json:"rpId"`
				UserVerification string
				Allow            []json.RawMessage `json:"allowCredentials"`
			}
		}
		if err := json.Unmarshal(request, &login); err != nil {
			t.Fatal(err)
		}
		if k := login.PublicKey; k.RPID != "localhost" || k.UserVerification != "required" || (len(k.Allow) == 0) != (body == "{}") {
			t.Errorf("request options for %s: %s", body, request)
		}
		if answer, err = a.Login(request); err != nil {
			t.Fatal(err)
		}
		ok("/webauthn/login/finish", string(answer))
		if !signedIn() {
			t.Errorf("not signed in after %s", body)
		}
		if status, got := post("/webauthn/login/finish", string(answer)); status < 400 {
			t.Errorf("the same answer again: %d %s", status, got)
		}
	}
}

// TestExampleStaysLocal: the program listens for nobody else.
func TestExampleStaysLocal(t *testing.T) {
	t.Parallel()
	program := buildExample(t)
	for _, address := range []string{"0.0.0.0:0", ":0", "192.0.2.1:0"} {
		out, err := exec.CommandContext(t.Context(), program, "--listen", address).CombinedOutput()
		if err == nil || !bytes.Contains(out, []byte("no loopback address")) {
			t.Errorf("--listen %s: %v, %s", address, err, out)
		}
	}
}
