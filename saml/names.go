// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

// Bindings (Bindings 3).
const (
	BindingRedirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
	BindingPOST     = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
	BindingArtifact = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact"
	BindingSOAP     = "urn:oasis:names:tc:SAML:2.0:bindings:SOAP"
)

// NameID formats (Core 8.3).
const (
	NameIDUnspecified = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
	NameIDEmail       = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
	NameIDPersistent  = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
	NameIDTransient   = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
	nameIDEncrypted   = "urn:oasis:names:tc:SAML:2.0:nameid-format:encrypted"
	nameIDEntity      = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity"
)

// Attribute name formats (Core 8.2).
const (
	AttrUnspecified = "urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified"
	AttrURI         = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"
	AttrBasic       = "urn:oasis:names:tc:SAML:2.0:attrname-format:basic"
)

// Status codes (Core 3.2.2.2). The first four are top-level.
const (
	StatusSuccess          = "urn:oasis:names:tc:SAML:2.0:status:Success"
	StatusRequester        = "urn:oasis:names:tc:SAML:2.0:status:Requester"
	StatusResponder        = "urn:oasis:names:tc:SAML:2.0:status:Responder"
	StatusVersionMismatch  = "urn:oasis:names:tc:SAML:2.0:status:VersionMismatch"
	StatusAuthnFailed      = "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed"
	StatusInvalidNameID    = "urn:oasis:names:tc:SAML:2.0:status:InvalidNameIDPolicy"
	StatusNoAuthnContext   = "urn:oasis:names:tc:SAML:2.0:status:NoAuthnContext"
	StatusNoPassive        = "urn:oasis:names:tc:SAML:2.0:status:NoPassive"
	StatusPartialLogout    = "urn:oasis:names:tc:SAML:2.0:status:PartialLogout"
	StatusRequestDenied    = "urn:oasis:names:tc:SAML:2.0:status:RequestDenied"
	StatusUnknownPrincipal = "urn:oasis:names:tc:SAML:2.0:status:UnknownPrincipal"
	StatusUnsupported      = "urn:oasis:names:tc:SAML:2.0:status:RequestUnsupported"
)

// Authentication context classes (AuthnContext 3.4) and the REFEDS profiles.
const (
	ContextUnspecified       = "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified"
	ContextPassword          = "urn:oasis:names:tc:SAML:2.0:ac:classes:Password"
	ContextPasswordProtected = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
	ContextKerberos          = "urn:oasis:names:tc:SAML:2.0:ac:classes:Kerberos"
	ContextX509              = "urn:oasis:names:tc:SAML:2.0:ac:classes:X509"
	ContextTimeSyncToken     = "urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken"
	ContextREFEDSSFA         = "https://refeds.org/profile/sfa"
	ContextREFEDSMFA         = "https://refeds.org/profile/mfa"
)

const (
	nsSAML   = "urn:oasis:names:tc:SAML:2.0:assertion"
	nsSAMLP  = "urn:oasis:names:tc:SAML:2.0:protocol"
	nsMD     = "urn:oasis:names:tc:SAML:2.0:metadata"
	nsDS     = "http://www.w3.org/2000/09/xmldsig#"
	nsXENC   = "http://www.w3.org/2001/04/xmlenc#"
	nsXML    = "http://www.w3.org/XML/1998/namespace"
	nsSOAP   = "http://schemas.xmlsoap.org/soap/envelope/"
	nsMDUI   = "urn:oasis:names:tc:SAML:metadata:ui"
	nsMDAttr = "urn:oasis:names:tc:SAML:metadata:attribute"

	methodBearer  = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
	consentLogout = "urn:oasis:names:tc:SAML:2.0:logout:user"
)
