// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package webauthn

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"slices"
)

// oidModel is id-fido-gen-ce-aaguid.
var oidModel = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 45724, 1, 1, 4}

// appleModel is the AAGUID of Apple's anonymous attestation, whose
// certificates name no model: they are of this one.
var appleModel = AAGUID{0xf2, 0x4a, 0x8e, 0x70, 0xd0, 0xd3, 0xf8, 0x2c, 0x29, 0x37, 0x32, 0x52, 0x3c, 0xc4, 0xde, 0x5a}

// checkLeaf holds the first certificate of a statement to its format, beyond
// what the format's verification has, and reports whether it proves the model.
func (a *attested) checkLeaf(format Format, c *x509.Certificate) (model bool, err error) {
	switch format {
	case FormatU2F:
		return false, checkMaker(c)
	case FormatPacked: // 8.2.1
		if !c.BasicConstraintsValid {
			return false, errors.New("the certificate is not an end entity's")
		}
		if err := checkMaker(c); err != nil {
			return false, err
		}
	case FormatApple:
		model = a.model() == appleModel
	}
	if named, err := extension(c, oidModel); err == nil { // it is optional
		var aaguid []byte
		if rest, err := asn1.Unmarshal(named, &aaguid); err != nil || len(rest) > 0 || !bytes.Equal(aaguid, a.authData.aaguid[:]) {
			return false, errors.New("the certificate is of another model")
		}
		model = true
	}
	return model, nil
}

// checkMaker tells the certificate of an authenticator from others of the same
// root, such as those of servers where the root is an organisation's own.
func checkMaker(c *x509.Certificate) error {
	switch {
	case c.IsCA:
		return errors.New("the certificate is an authority's")
	case c.KeyUsage != 0 && c.KeyUsage&x509.KeyUsageDigitalSignature == 0:
		return errors.New("the certificate is not for signatures")
	case slices.ContainsFunc(c.ExtKeyUsage, func(u x509.ExtKeyUsage) bool { return u != x509.ExtKeyUsageAny }):
		return errors.New("the certificate is for another use")
	}
	return nil
}
