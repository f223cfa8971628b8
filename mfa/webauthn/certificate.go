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

// checkModel refuses a certificate that names another model. Most name none.
func (a *attested) checkModel(c *x509.Certificate) error {
	model, err := extension(c, oidModel)
	if err != nil {
		return nil
	}
	var aaguid []byte
	if rest, err := asn1.Unmarshal(model, &aaguid); err != nil || len(rest) > 0 || !bytes.Equal(aaguid, a.authData.aaguid[:]) {
		return errors.New("the certificate is of another model")
	}
	return nil
}

// checkPacked holds the certificate to what 8.2.1 asks for beyond
// go-webauthn.
func (a *attested) checkPacked(c *x509.Certificate) error {
	if !c.BasicConstraintsValid {
		return errors.New("the certificate is not an end entity's")
	}
	if err := a.checkModel(c); err != nil {
		return err
	}
	return checkMaker(c)
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
