// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package webauthn

import (
	"bytes"
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha1" // names certificates in metadata, nothing rests on it
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"
)

const (
	maxMetadata = 64 << 20
	// metadataName is in the certificate of the FIDO Alliance's service.
	metadataName = "mds.fidoalliance.org"
)

// MetadataConfig says whose metadata are believed.
type MetadataConfig struct {
	// Roots are the anchors of the signer's certificate: for the FIDO
	// Alliance's service GlobalSign Root CA - R3. Required.
	Roots []*x509.Certificate
	// Name is the host in the signer's certificate, "mds.fidoalliance.org" if
	// empty. Without it, everyone whom the roots certify could sign.
	Name string
	// Now is the time to judge certificates at. Required.
	Now time.Time
}

// Metadata is what the FIDO Metadata Service (version 3) knows of models of
// authenticators: their attestation roots, and which of them were broken. It
// is read from the service's signed file, which an application fetches by its
// own means, and is immutable.
type Metadata struct {
	number int
	next   time.Time
	models map[AAGUID]*model
	u2f    map[string]*model // by key identifier, in hex
}

type model struct {
	roots  []*x509.Certificate
	broken string // the status that says so
}

// brokenStatus are the reports after which a model is refused (FIDO MDS
// 3.1.4): its keys or its verification of people are in others' hands.
var brokenStatus = []string{
	"REVOKED", "USER_VERIFICATION_BYPASS", "ATTESTATION_KEY_COMPROMISE", "USER_KEY_REMOTE_COMPROMISE", "USER_KEY_PHYSICAL_COMPROMISE",
}

// metadataBLOB is the payload, as far as it counts here.
type metadataBLOB struct {
	Number     int    `json:"no"`
	NextUpdate string `json:"nextUpdate"`
	Entries    []struct {
		AAGUID         string   `json:"aaguid"`
		KeyIdentifiers []string `json:"attestationCertificateKeyIdentifiers"`
		Statement      struct {
			Roots []string `json:"attestationRootCertificates"`
		} `json:"metadataStatement"`
		Reports []struct {
			Status string `json:"status"`
		} `json:"statusReports"`
	} `json:"entries"`
}

// ParseMetadata verifies and reads a metadata BLOB. The caller refuses one
// whose [Metadata.Number] is below that of the last, and looks for a new one
// after [Metadata.NextUpdate].
func ParseMetadata(blob []byte, c MetadataConfig) (*Metadata, error) {
	if len(c.Roots) == 0 || c.Now.IsZero() {
		return nil, errors.New("webauthn: MetadataConfig wants Roots and Now")
	}
	if c.Name == "" {
		c.Name = metadataName
	}
	payload, err := verifyJWS(blob, c)
	if err != nil {
		return nil, fmt.Errorf("webauthn: metadata: %w", err)
	}
	return readMetadata(payload)
}

// readMetadata reads a payload whose signature was verified.
func readMetadata(payload []byte) (*Metadata, error) {
	var b metadataBLOB
	err := json.Unmarshal(payload, &b)
	if err != nil {
		return nil, fmt.Errorf("webauthn: metadata: %w", err)
	}
	m := &Metadata{number: b.Number, models: map[AAGUID]*model{}, u2f: map[string]*model{}}
	if m.next, err = time.Parse(time.DateOnly, b.NextUpdate); err != nil {
		return nil, fmt.Errorf("webauthn: metadata: nextUpdate: %w", err)
	}
	for _, e := range b.Entries {
		one := &model{}
		for _, r := range e.Reports {
			if slices.Contains(brokenStatus, r.Status) {
				one.broken = r.Status
			}
		}
		for _, text := range e.Statement.Roots {
			cert, err := metadataCertificate(text)
			if err != nil {
				continue // what cannot be read makes nothing trusted
			}
			one.roots = append(one.roots, cert)
		}
		if a, err := ParseAAGUID(e.AAGUID); err == nil && !a.IsZero() {
			m.models[a] = m.models[a].and(one)
		}
		for _, id := range e.KeyIdentifiers {
			id = strings.ToLower(id)
			m.u2f[id] = m.u2f[id].and(one)
		}
	}
	return m, nil
}

// and is what two entries say of one model: broken in one is broken. To refuse
// the metadata for it would leave an older state in force.
func (m *model) and(other *model) *model {
	if m == nil {
		return other
	}
	return &model{roots: slices.Concat(m.roots, other.roots), broken: cmp.Or(m.broken, other.broken)}
}

// Number is the serial number: later ones are higher.
func (m *Metadata) Number() int { return m.number }

// NextUpdate is the day at which the service has promised the next one.
func (m *Metadata) NextUpdate() time.Time { return m.next }

// Models is how many models are known by their AAGUID.
func (m *Metadata) Models() int { return len(m.models) }

// of returns what is known of a model; for U2F keys, which do not tell, by the
// attestation certificate.
func (m *Metadata) of(g AAGUID, leaf *x509.Certificate) *model {
	if m == nil {
		return nil
	}
	if known := m.models[g]; known != nil || leaf == nil {
		return known
	}
	var spki struct {
		Algorithm asn1.RawValue
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(leaf.RawSubjectPublicKeyInfo, &spki); err != nil {
		return nil
	}
	id := sha1.Sum(spki.Key.Bytes) // RFC 5280 4.2.1.2 (1)
	return m.u2f[hex.EncodeToString(id[:])]
}

// verifyJWS returns the payload of a JSON Web Signature in compact form whose
// signer the configuration names.
func verifyJWS(blob []byte, c MetadataConfig) ([]byte, error) {
	if len(blob) > maxMetadata {
		return nil, errors.New("too large")
	}
	blob = bytes.TrimSpace(blob)
	parts := bytes.Split(blob, []byte("."))
	if len(parts) != 3 {
		return nil, errors.New("not a JWS")
	}
	var decoded [3][]byte
	for i, p := range parts {
		decoded[i] = make([]byte, strict64.DecodedLen(len(p)))
		n, err := strict64.Decode(decoded[i], p)
		if err != nil {
			return nil, err
		}
		decoded[i] = decoded[i][:n]
	}
	var header struct {
		Alg  string          `json:"alg"`
		X5C  []string        `json:"x5c"`
		Crit json.RawMessage `json:"crit"`
	}
	if err := json.Unmarshal(decoded[0], &header); err != nil {
		return nil, err
	}
	if header.Crit != nil { // RFC 7515 4.1.11: none of it is understood here
		return nil, errors.New("the header has critical extensions")
	}
	signer, err := metadataSigner(header.X5C, c)
	if err != nil {
		return nil, err
	}
	signed := blob[:len(parts[0])+1+len(parts[1])]
	return decoded[1], checkJWS(signer, header.Alg, signed, decoded[2])
}

// metadataSigner returns the first certificate, if the chain leads to a root
// and it names the service.
func metadataSigner(x5c []string, c MetadataConfig) (*x509.Certificate, error) {
	if len(x5c) == 0 || len(x5c) > maxChain {
		return nil, errors.New("no chain of certificates")
	}
	var chain []*x509.Certificate
	for _, text := range x5c {
		cert, err := metadataCertificate(text)
		if err != nil {
			return nil, err
		}
		chain = append(chain, cert)
	}
	opts := x509.VerifyOptions{
		DNSName: c.Name, Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), CurrentTime: c.Now,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	}
	for _, r := range c.Roots {
		opts.Roots.AddCert(r)
	}
	for _, i := range chain[1:] {
		opts.Intermediates.AddCert(i)
	}
	_, err := chain[0].Verify(opts)
	return chain[0], err
}

func metadataCertificate(text string) (*x509.Certificate, error) {
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

func checkJWS(signer *x509.Certificate, alg string, signed, sig []byte) error {
	switch key := signer.PublicKey.(type) {
	case *rsa.PublicKey:
		if alg == "RS256" && key.N.BitLen() >= minRSABits {
			return signer.CheckSignature(x509.SHA256WithRSA, signed, sig)
		}
	case *ecdsa.PublicKey:
		if alg == "ES256" && key.Curve == elliptic.P256() && len(sig) == 64 {
			der, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])})
			if err != nil {
				return err
			}
			return signer.CheckSignature(x509.ECDSAWithSHA256, signed, der)
		}
	}
	return fmt.Errorf("algorithm %.16q does not fit the signer's key", alg)
}
