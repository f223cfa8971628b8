// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package webauthn

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"slices"
	"time"

	"github.com/google/go-tpm/tpm2"
)

var (
	oidAIKCertificate  = asn1.ObjectIdentifier{2, 23, 133, 8, 3}
	oidTPMManufacturer = asn1.ObjectIdentifier{2, 23, 133, 2, 1}
	oidTPMModel        = asn1.ObjectIdentifier{2, 23, 133, 2, 2}
	oidTPMVersion      = asn1.ObjectIdentifier{2, 23, 133, 2, 3}
)

// verifyTPM verifies a TPM attestation statement (8.3): the TPM certifies, by
// a key that a certificate names, that the credential's key lives in it. Whose
// TPM it is, the roots say; there is no list of manufacturers here.
func (a *attested) verifyTPM(stmt map[string]any, now time.Time) error {
	certInfo, okInfo := stmt["certInfo"].([]byte)
	pubArea, okArea := stmt["pubArea"].([]byte)
	sig, okSig := stmt["sig"].([]byte)
	n, okAlg := stmt["alg"].(int64)
	if stmt["ver"] != "2.0" || !okInfo || !okArea || !okSig || !okAlg {
		return errors.New("a member is missing")
	}
	alg := Algorithm(n)
	sigAlg, hash := certificateAlgorithm(alg)
	if sigAlg == x509.UnknownSignatureAlgorithm {
		return errors.New("the statement's algorithm is not supported")
	}
	chain, err := certificates(stmt)
	if err != nil {
		return err
	}
	if len(chain) == 0 {
		return errors.New("no certificate")
	}
	aik := chain[0]
	if err := aik.CheckSignature(sigAlg, certInfo, sig); err != nil {
		return err
	}
	if err := checkAIK(aik, now); err != nil {
		return err
	}
	public, err := readPubArea(pubArea)
	if err != nil {
		return err
	}
	key, err := tpmKey(public)
	if err != nil {
		return err
	}
	if !a.key.equal(key) {
		return errors.New("pubArea is another key than the credential's")
	}
	info, err := readCertInfo(certInfo)
	if err != nil {
		return err
	}
	return a.checkCertInfo(info, public, hash)
}

// readPubArea reads a public area in the one form that a TPM writes: the TPM
// certifies a hash of these very bytes.
func readPubArea(b []byte) (*tpm2.TPMTPublic, error) {
	public, err := tpm2.Unmarshal[tpm2.TPMTPublic](b)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(tpm2.Marshal(*public), b) {
		return nil, errors.New("pubArea has another form than a TPM's")
	}
	return public, nil
}

// readCertInfo reads what a TPM signed, to its last byte.
func readCertInfo(b []byte) (*tpm2.TPMSAttest, error) {
	info, err := tpm2.Unmarshal[tpm2.TPMSAttest](b)
	switch {
	case err != nil:
		return nil, err
	case info.Magic.Check() != nil:
		return nil, errors.New("certInfo is not a TPM's")
	case info.Type != tpm2.TPMSTAttestCertify:
		return nil, errors.New("certInfo certifies no key")
	case len(tpm2.Marshal(*info)) != len(b): // the test vector has a boolean of 0x33, so no more than this
		return nil, errors.New("bytes follow certInfo")
	}
	return info, nil
}

func certificateAlgorithm(a Algorithm) (x509.SignatureAlgorithm, crypto.Hash) {
	switch a {
	case ES256, ESP256:
		return x509.ECDSAWithSHA256, crypto.SHA256
	case ES384, ESP384:
		return x509.ECDSAWithSHA384, crypto.SHA384
	case ES512, ESP512:
		return x509.ECDSAWithSHA512, crypto.SHA512
	case RS256:
		return x509.SHA256WithRSA, crypto.SHA256
	case PS256:
		return x509.SHA256WithRSAPSS, crypto.SHA256
	}
	return x509.UnknownSignatureAlgorithm, 0 // SHA-1 with RSA of old TPMs among them
}

// checkCertInfo checks that the TPM certified this key for this ceremony.
func (a *attested) checkCertInfo(info *tpm2.TPMSAttest, public *tpm2.TPMTPublic, hash crypto.Hash) error {
	h := hash.New()
	h.Write(a.rawAuthData)
	h.Write(a.clientDataHash)
	if !bytes.Equal(info.ExtraData.Buffer, h.Sum(nil)) {
		return errors.New("certInfo is for another ceremony")
	}
	certified, err := info.Attested.Certify()
	if err != nil {
		return err
	}
	name, err := tpm2.ObjectName(public)
	if err != nil {
		return err
	}
	if !bytes.Equal(certified.Name.Buffer, name.Buffer) {
		return errors.New("certInfo certifies another key")
	}
	return nil
}

// tpmKey returns the public key of a TPM's public area.
func tpmKey(public *tpm2.TPMTPublic) (crypto.PublicKey, error) {
	switch public.Type {
	case tpm2.TPMAlgECC:
		params, err := public.Parameters.ECCDetail()
		if err != nil {
			return nil, err
		}
		point, err := public.Unique.ECC()
		if err != nil {
			return nil, err
		}
		return tpmPoint(params.CurveID, point.X.Buffer, point.Y.Buffer)
	case tpm2.TPMAlgRSA:
		params, err := public.Parameters.RSADetail()
		if err != nil {
			return nil, err
		}
		modulus, err := public.Unique.RSA()
		if err != nil {
			return nil, err
		}
		k := &rsa.PublicKey{N: new(big.Int).SetBytes(modulus.Buffer), E: int(params.Exponent)}
		if k.E == 0 {
			k.E = 65537
		}
		return k, nil
	}
	return nil, errors.New("pubArea is of an unknown type")
}

func tpmPoint(id tpm2.TPMECCCurve, x, y []byte) (crypto.PublicKey, error) {
	var curve elliptic.Curve
	switch id {
	case tpm2.TPMECCNistP256:
		curve = elliptic.P256()
	case tpm2.TPMECCNistP384:
		curve = elliptic.P384()
	case tpm2.TPMECCNistP521:
		curve = elliptic.P521()
	default:
		return nil, errors.New("pubArea is on an unknown curve")
	}
	size := (curve.Params().BitSize + 7) / 8
	if len(x) > size || len(y) > size { // some TPMs leave leading zeros out
		return nil, errors.New("pubArea has no point of its curve")
	}
	point := make([]byte, 1+2*size)
	point[0] = 4
	copy(point[1+size-len(x):], x)
	copy(point[1+2*size-len(y):], y)
	return ecdsa.ParseUncompressedPublicKey(curve, point)
}

// checkAIK holds the certificate to 8.3.1.
func checkAIK(c *x509.Certificate, now time.Time) error {
	switch {
	case c.Version != 3:
		return errors.New("the certificate is not of version 3")
	case len(c.Subject.Names) > 0:
		return errors.New("the certificate has a subject")
	case now.Before(c.NotBefore) || now.After(c.NotAfter):
		return errors.New("the certificate is not valid now")
	case !c.BasicConstraintsValid || c.IsCA:
		return errors.New("the certificate is not an end entity's")
	case !slices.ContainsFunc(c.UnknownExtKeyUsage, oidAIKCertificate.Equal):
		return errors.New("the certificate is not for a TPM's attestation key")
	}
	names, err := extension(c, oidSubjectAltName)
	if err != nil {
		return err
	}
	return checkTPMName(names)
}

// checkTPMName wants a TPM's manufacturer, model and version in a directory
// name (TCG EK profile 3.2.9).
func checkTPMName(names []byte) error {
	malformed := errors.New("the certificate does not name a TPM")
	var list asn1.RawValue
	if rest, err := asn1.Unmarshal(names, &list); err != nil || len(rest) > 0 || list.Tag != asn1.TagSequence {
		return malformed
	}
	found := map[string]bool{}
	for rest := list.Bytes; len(rest) > 0; {
		var name asn1.RawValue
		var err error
		if rest, err = asn1.Unmarshal(rest, &name); err != nil {
			return malformed
		}
		if name.Class != asn1.ClassContextSpecific || name.Tag != 4 {
			continue
		}
		var rdns pkix.RDNSequence
		if after, err := asn1.Unmarshal(name.Bytes, &rdns); err != nil || len(after) > 0 {
			return malformed
		}
		for _, rdn := range rdns {
			for _, attribute := range rdn {
				if s, ok := attribute.Value.(string); ok && s != "" {
					found[attribute.Type.String()] = true
				}
			}
		}
	}
	for _, id := range []asn1.ObjectIdentifier{oidTPMManufacturer, oidTPMModel, oidTPMVersion} {
		if !found[id.String()] {
			return malformed
		}
	}
	return nil
}
