// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package webauthn

import (
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncbor"
)

// Format is an attestation statement format.
type Format string

// The formats that are verified (8.2 to 8.9). android-safetynet is not one:
// the service behind it is gone.
const (
	FormatNone       Format = "none"
	FormatPacked     Format = "packed"
	FormatTPM        Format = "tpm"
	FormatAndroidKey Format = "android-key"
	FormatApple      Format = "apple"
	FormatU2F        Format = "fido-u2f"
	FormatCompound   Format = "compound"
)

// Attestation says which authenticators may be registered. The zero value asks
// for no attestation and accepts any; a statement that comes all the same is
// still verified.
type Attestation struct {
	// Ask makes browsers pass the attestation on, which some ask the person
	// about. It is implied by Roots, Metadata and Formats.
	Ask bool
	// Enterprise asks for an attestation that names the very device; browsers
	// give it only to relying parties that the device's owner has set up.
	Enterprise bool
	// Roots are the certificates that make a statement trusted: those of
	// makers, or an organisation's own. A maker's attestation certificate
	// itself may be one. Trusted credentials have strength mfa.Attested.
	Roots []*x509.Certificate
	// Metadata adds the roots of every model in it, for that model alone, and
	// refuses models that it reports as broken: at sign-in too, but for U2F
	// keys, which do not tell their model then. Give a newer one by
	// Config.AttestationFor.
	Metadata *Metadata
	// RequireTrusted refuses credentials without a trusted statement.
	RequireTrusted bool
	// Formats are the accepted formats, all if empty. Browsers are told, so
	// put the best first. The statements in a compound must be of them, too.
	Formats []Format
	// Permitted are the only models to accept, if not empty. Without
	// RequireTrusted the authenticator may lie about its model. With it the
	// model must be proved: by the statement's certificate, where that names
	// the AAGUID; by leading to a root that Metadata has for the model, which
	// is the way for Android and for most TPMs; or by being Apple's, of whose
	// attestation there is one model, f24a8e70-d0d3-f82c-2937-32523cc4de5a.
	Permitted []AAGUID
	// Denied are models to refuse. An authenticator that lies about its model
	// is none of them; see Permitted.
	Denied []AAGUID
	// TrustSoftwareKeys counts Android's statements as trusted although only
	// the phone's software, not its secure hardware, says that it made the key
	// and that the key is for signing.
	TrustSoftwareKeys bool
	// PermitZero accepts authenticators that name no model, such as U2F keys,
	// although Permitted is not empty.
	PermitZero bool
}

func (a *Attestation) validate() error {
	for _, r := range a.Roots {
		if r == nil {
			return errors.New("webauthn: Attestation.Roots has a nil certificate")
		}
	}
	if a.RequireTrusted && len(a.Roots) == 0 && a.Metadata == nil {
		return errors.New("webauthn: Attestation.RequireTrusted needs Roots or Metadata")
	}
	for _, f := range a.Formats {
		switch f {
		case FormatNone, FormatPacked, FormatTPM, FormatAndroidKey, FormatApple, FormatU2F, FormatCompound:
		default:
			return fmt.Errorf("webauthn: unknown attestation format %q", f)
		}
	}
	return nil
}

func (a *Attestation) conveyance() string {
	switch {
	case a.Enterprise:
		return "enterprise"
	case a.Ask || len(a.Roots) > 0 || a.Metadata != nil || len(a.Formats) > 0:
		return "direct"
	}
	return "none"
}

// accepts judges the model. The zero AAGUID is on no list by being nobody's.
func (a *Attestation) accepts(g AAGUID, by trust) error {
	permitted := len(a.Permitted) == 0 || slices.Contains(a.Permitted, g)
	if g.IsZero() {
		permitted = permitted || a.PermitZero
	}
	if !permitted || slices.Contains(a.Denied, g) {
		return refusal(CheckAAGUID, "model %v is not accepted", g)
	}
	// A root of Android or of TPMs certifies the key, and no AAGUID.
	if len(a.Permitted) > 0 && a.RequireTrusted && !by.model && !g.IsZero() {
		return refusal(CheckAAGUID, "model %v is claimed and not proved", g)
	}
	return nil
}

// attested is an attestation object that was read, and whose statement is yet
// to be verified.
type attested struct {
	format         Format
	authData       authData
	rawAuthData    []byte
	raw            []byte // the whole object
	clientDataHash []byte
	key            publicKey
}

// model is the AAGUID. A U2F statement does not sign it, so a U2F key has
// none.
func (a *attested) model() AAGUID {
	if a.format == FormatU2F {
		return AAGUID{}
	}
	return a.authData.aaguid
}

// parseAttestation reads an attestation object (6.5.4) and the authenticator
// data in it, to the last byte.
func parseAttestation(raw []byte) (attested, error) {
	a := attested{raw: raw}
	obj, err := parseOneCBOR(raw)
	if err != nil {
		return a, refusal(CheckCBOR, "attestation object: %w", err)
	}
	format, _ := obj.text("fmt")
	data, _ := obj.text("authData")
	stmt, ok := obj.text("attStmt")
	if format.major != cborText || data.major != cborBytes || !ok {
		return a, refusal(CheckCBOR, "the attestation object lacks a member")
	}
	a.format, a.rawAuthData = Format(format.data), data.data
	if stmt.major != cborMap && a.format != FormatCompound {
		return a, refusal(CheckAttestation, "the attestation statement is no map")
	}
	if a.authData, err = parseAuthData(a.rawAuthData, true); err != nil {
		return a, err
	}
	// A U2F statement signs neither, so they are what the client makes them
	// for any U2F key (CTAP 2.1, 7.1.3), and no forger can claim more.
	if a.format == FormatU2F && (a.authData.flags != flagUP|flagAT || a.authData.counter != 0) {
		return a, refusal(CheckAuthData, "flags %#x, counter %d of a U2F key", a.authData.flags, a.authData.counter)
	}
	return a, nil
}

// trust is what a statement proves.
type trust struct {
	root     bool // it leads to a trusted root
	model    bool // and the model is not only claimed
	hardware bool // and more than software vouches for the key
}

// verifyStatement verifies the statement (7.1 steps 21, 22).
func (a *attested) verifyStatement(policy *Attestation, now time.Time) (by trust, err error) {
	if len(policy.Formats) > 0 && !slices.Contains(policy.Formats, a.format) {
		return trust{}, refusal(CheckFormat, "format %.32q is not accepted", a.format)
	}
	var guest protocol.AttestationObject
	if err := webauthncbor.Unmarshal(a.raw, &guest); err != nil {
		return trust{}, refusal(CheckCBOR, "attestation object: %w", err)
	}
	if err := guest.AuthData.Unmarshal(guest.RawAuthData); err != nil {
		return trust{}, refusal(CheckAuthData, "authenticator data: %w", err)
	}
	if a.format != FormatCompound {
		return a.verifyOne(guest, policy, now)
	}
	if len(guest.SubStatements) < 2 || len(guest.SubStatements) > 4 {
		return trust{}, refusal(CheckAttestation, "a compound of %d statements", len(guest.SubStatements))
	}
	for _, sub := range guest.SubStatements { // each must verify (8.9), one with a root is enough
		switch format := Format(sub.Format); {
		case format == FormatCompound, format == FormatNone, format == FormatU2F: // which signs no AAGUID
			return trust{}, refusal(CheckAttestation, "a compound of format %q", sub.Format)
		case len(policy.Formats) > 0 && !slices.Contains(policy.Formats, format):
			return trust{}, refusal(CheckFormat, "format %.32q in a compound is not accepted", sub.Format)
		}
		one := guest
		one.Format, one.AttStatement, one.SubStatements = sub.Format, sub.AttStatement, nil
		t, err := a.verifyOne(one, policy, now)
		if err != nil {
			return trust{}, err
		}
		by = trust{by.root || t.root, by.model || t.model, by.hardware || t.hardware}
	}
	return by, nil
}

// verifyOne verifies one statement. The library judges packed and U2F
// certificates by its own clock; whether they are trusted, by now.
func (a *attested) verifyOne(guest protocol.AttestationObject, policy *Attestation, now time.Time) (trust, error) {
	var err error
	trustable, hardware, format := true, true, Format(guest.Format)
	switch format {
	case FormatNone, FormatPacked, FormatU2F:
		err = guest.VerifyAttestation(a.clientDataHash, nil, protocol.AttestationPolicy{}, protocol.SignaturePolicy{})
	case FormatApple:
		err = a.verifyApple(guest.AttStatement)
	case FormatTPM:
		err = a.verifyTPM(guest.AttStatement, now)
	case FormatAndroidKey:
		var said source
		said, err = a.verifyAndroidKey(guest.AttStatement)
		hardware = said == sourceHardware
		trustable = hardware || said == sourceSoftware && policy.TrustSoftwareKeys
	default:
		return trust{}, refusal(CheckFormat, "format %.32q is unknown", guest.Format)
	}
	if err != nil {
		return trust{}, refusal(CheckAttestation, "%s: %w", guest.Format, err)
	}
	chain, err := certificates(guest.AttStatement)
	if err != nil {
		return trust{}, refusal(CheckAttestation, "%s: %w", guest.Format, err)
	}
	var model bool
	var u2f *x509.Certificate
	if len(chain) > 0 {
		if model, err = a.checkLeaf(format, chain[0]); err != nil {
			return trust{}, refusal(CheckAttestation, "%s: %w", guest.Format, err)
		}
		if format == FormatU2F {
			u2f = chain[0]
		}
	}
	var known bool
	if m := policy.Metadata.of(a.model(), u2f); m != nil {
		if m.broken != "" {
			return trust{}, refusal(CheckStatus, "the model is reported as %s", m.broken)
		}
		known = trustedChain(chain, m.roots, now)
	}
	if !trustable || !known && !trustedChain(chain, policy.Roots, now) {
		return trust{}, nil
	}
	return trust{root: true, model: model || known, hardware: hardware}, nil
}

const maxChain = 8

// certificates returns x5c, none if there is none.
func certificates(stmt map[string]any) ([]*x509.Certificate, error) {
	raw, ok := stmt["x5c"]
	if !ok {
		return nil, nil
	}
	list, ok := raw.([]any)
	if !ok || len(list) == 0 || len(list) > maxChain {
		return nil, errors.New("x5c is no list of certificates")
	}
	var chain []*x509.Certificate
	for _, one := range list {
		der, ok := one.([]byte)
		if !ok {
			return nil, errors.New("x5c is no list of certificates")
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		chain = append(chain, c)
	}
	return chain, nil
}

var oidSubjectAltName = asn1.ObjectIdentifier{2, 5, 29, 17}

// trustedChain reports whether the chain leads to a root. The other
// certificates of the statement are intermediates at most.
func trustedChain(chain, roots []*x509.Certificate, now time.Time) bool {
	if len(chain) == 0 || len(roots) == 0 {
		return false
	}
	opts := x509.VerifyOptions{
		Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), CurrentTime: now,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	}
	for _, r := range roots {
		opts.Roots.AddCert(r)
	}
	for _, c := range chain[1:] {
		opts.Intermediates.AddCert(c)
	}
	leaf := *chain[0]
	// A TPM's name is in a critical SubjectAltName of a kind that crypto/x509
	// does not know; the format's verification has read it (8.3.1).
	leaf.UnhandledCriticalExtensions = slices.DeleteFunc(slices.Clone(leaf.UnhandledCriticalExtensions),
		func(id asn1.ObjectIdentifier) bool { return id.Equal(oidSubjectAltName) })
	_, err := leaf.Verify(opts)
	return err == nil
}
