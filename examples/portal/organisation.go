// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/portal"
	"github.com/gatehouse-id/gatehouse/portal/access"
	"github.com/gatehouse-id/gatehouse/portal/app"
	"github.com/gatehouse-id/gatehouse/portal/directory"
	"github.com/gatehouse-id/gatehouse/saml"
	"github.com/gatehouse-id/gatehouse/sts"
)

// organisation is the YAML file that apply brings into the database.
// examples/portal/organisation.yaml shows every field.
type organisation struct {
	settings       `yaml:",inline"`
	Sources        []sourceSpec        `yaml:"sources"`
	Groups         []groupSpec         `yaml:"groups"`
	People         []personSpec        `yaml:"people"`
	Administrators []string            `yaml:"administrators"` // user:LOGIN or group:SOURCE/NAME
	PermissionSets []permissionSetSpec `yaml:"permission_sets"`
	Accounts       []accountSpec       `yaml:"accounts"`
	Assignments    []assignmentSpec    `yaml:"assignments"`
	Applications   []applicationSpec   `yaml:"applications"`
}

// settings are what the portal is made with; the database keeps them, so that
// every replica serves the same.
type settings struct {
	Brand     string            `yaml:"brand" json:"brand,omitempty"`
	Region    string            `yaml:"region" json:"region,omitempty"`
	StartURLs []string          `yaml:"start_urls" json:"start_urls,omitempty"`
	HeadAlias string            `yaml:"head_alias" json:"head_alias,omitempty"`
	Tags      map[string]string `yaml:"tags" json:"tags,omitempty"` // tag key: attribute
	STS       *stsSpec          `yaml:"sts" json:"sts,omitempty"`
	MFA       *mfaSpec          `yaml:"mfa" json:"mfa,omitempty"`
	AuditDays int               `yaml:"audit_days" json:"audit_days,omitempty"` // -1: for ever
}

type stsSpec struct {
	Regions  []string `yaml:"regions" json:"regions"`
	Endpoint string   `yaml:"endpoint" json:"endpoint,omitempty"`
}

type mfaSpec struct {
	Mode      string `yaml:"mode" json:"mode,omitempty"`             // always, context, never
	NoFactor  string `yaml:"no_factor" json:"no_factor,omitempty"`   // enrol, block, allow
	TrustDays int    `yaml:"trust_days" json:"trust_days,omitempty"` // how long a browser may be trusted
}

type sourceSpec struct {
	ID                string   `yaml:"id"`
	Kind              string   `yaml:"kind"`
	Name              string   `yaml:"name"`
	Domains           []string `yaml:"domains"`
	Metadata          string   `yaml:"metadata"`      // XML
	MetadataFile      string   `yaml:"metadata_file"` // relative to the YAML file
	AllowIdPInitiated bool     `yaml:"allow_idp_initiated"`
	TrustedContexts   []string `yaml:"trusted_contexts"`
	CreatePeople      bool     `yaml:"create_people"`
	JoinAttribute     string   `yaml:"join_attribute"`
	DisplayName       string   `yaml:"display_name_attribute"`
	Email             string   `yaml:"email_attribute"`
}

type groupSpec struct {
	Source  string   `yaml:"source"`
	Name    string   `yaml:"name"`
	Members []string `yaml:"members"` // login names
}

type personSpec struct {
	Source      string            `yaml:"source"`
	UserName    string            `yaml:"user_name"`
	DisplayName string            `yaml:"display_name"`
	Email       string            `yaml:"email"`
	Attributes  map[string]string `yaml:"attributes"`
}

type permissionSetSpec struct {
	Name            string   `yaml:"name"`
	Description     string   `yaml:"description"`
	SessionDuration duration `yaml:"session_duration"`
	RelayState      string   `yaml:"relay_state"`
	NoDeviceCode    bool     `yaml:"no_device_code"`
	MFA             bool     `yaml:"mfa"`
}

type accountSpec struct {
	ID             string            `yaml:"id"`
	Name           string            `yaml:"name"`
	Email          string            `yaml:"email"`
	Environment    string            `yaml:"environment"`
	Partition      string            `yaml:"partition"`
	Region         string            `yaml:"region"`
	SignInURL      string            `yaml:"sign_in_url"`
	ProviderARN    string            `yaml:"provider_arn"`
	Roles          map[string]string `yaml:"roles"`
	SourceIdentity bool              `yaml:"source_identity"`
}

type assignmentSpec struct {
	Accounts       []string `yaml:"accounts"`
	PermissionSets []string `yaml:"permission_sets"`
	Groups         []string `yaml:"groups"` // SOURCE/NAME
	Users          []string `yaml:"users"`  // login names
}

type applicationSpec struct {
	Name         string            `yaml:"name"`
	Description  string            `yaml:"description"`
	EntityID     string            `yaml:"entity_id"`
	ACS          string            `yaml:"acs"`
	Metadata     string            `yaml:"metadata"`
	MetadataFile string            `yaml:"metadata_file"`
	NameID       string            `yaml:"name_id"`
	Attributes   map[string]string `yaml:"attributes"` // SAML name: attribute of the person
	IdPInitiated bool              `yaml:"idp_initiated"`
	RelayState   string            `yaml:"relay_state"`
	Groups       []string          `yaml:"groups"`
	Users        []string          `yaml:"users"`
}

// duration is a Go duration such as 4h or 90m.
type duration time.Duration

// UnmarshalYAML reads it.
func (d *duration) UnmarshalYAML(n *yaml.Node) error {
	v, err := time.ParseDuration(n.Value)
	*d = duration(v)
	return err
}

// file is an organisation with where everything stands in it.
type file struct {
	organisation
	name  string
	lines map[string]int // path such as accounts[2].region to line
	wrong []error
}

// maxFile bounds the YAML file.
const maxFile = 16 << 20

// readFile reads and validates a file whole: its error names every fault by
// file, line and field.
func readFile(name string) (*file, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s is larger than %d bytes", name, maxFile)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	f := &file{name: name, lines: map[string]int{}}
	var root yaml.Node
	if err := yaml.Load(text, &root); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	f.index(&root, "")
	if err := yaml.Load(text, &f.organisation, yaml.WithKnownFields()); err != nil {
		return nil, misfits(name, err)
	}
	f.readMetadata()
	f.validate()
	return f, errors.Join(f.wrong...)
}

var unknownField = regexp.MustCompile(`^field (.+) not found in type \S+$`)

// misfits is a fault for every field that the program does not know or whose
// type is another.
func misfits(name string, err error) error {
	var all *yaml.LoadErrors
	if !errors.As(err, &all) {
		return fmt.Errorf("%s: %w", name, err)
	}
	var wrong []error
	for _, e := range all.Errors {
		text := e.Message
		if m := unknownField.FindStringSubmatch(text); m != nil {
			text = fmt.Sprintf("unknown field %q", m[1])
		}
		wrong = append(wrong, fmt.Errorf("%s:%d: %s", name, e.Mark.Line, text))
	}
	return errors.Join(wrong...)
}

// index records the line of every field.
func (f *file) index(n *yaml.Node, path string) {
	switch n.Kind {
	case yaml.DocumentNode:
		for _, c := range n.Content {
			f.index(c, path)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			child := strings.TrimPrefix(path+"."+n.Content[i].Value, ".")
			f.lines[child] = n.Content[i].Line
			f.index(n.Content[i+1], child)
		}
	case yaml.SequenceNode:
		for i, c := range n.Content {
			child := fmt.Sprintf("%s[%d]", path, i)
			f.lines[child] = c.Line
			f.index(c, child)
		}
	}
}

// fault notes what is wrong with a field, or with the nearest one around it
// that the file has.
func (f *file) fault(path, format string, args ...any) {
	at := path
	for f.lines[at] == 0 && at != "" {
		at = at[:max(strings.LastIndexAny(at, ".["), 0)]
	}
	f.wrong = append(f.wrong, fmt.Errorf("%s:%d: %s: %s", f.name, max(f.lines[at], 1), path, fmt.Sprintf(format, args...)))
}

// readMetadata loads metadata_file fields, relative to the YAML file.
func (f *file) readMetadata() {
	load := func(path, name string, into *string) {
		if name == "" {
			return
		}
		if *into != "" {
			f.fault(path, "metadata and metadata_file exclude each other")
			return
		}
		if !filepath.IsAbs(name) {
			name = filepath.Join(filepath.Dir(f.name), name)
		}
		b, err := os.ReadFile(name)
		if err != nil {
			f.fault(path, "%v", err)
		}
		*into = string(b)
	}
	for i := range f.Sources {
		load(fmt.Sprintf("sources[%d].metadata_file", i), f.Sources[i].MetadataFile, &f.Sources[i].Metadata)
	}
	for i := range f.Applications {
		load(fmt.Sprintf("applications[%d].metadata_file", i), f.Applications[i].MetadataFile, &f.Applications[i].Metadata)
	}
}

var sourceID = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)

func (f *file) validate() {
	seen := map[string]bool{}
	once := func(path, key string) {
		if seen[key] {
			f.fault(path, "%q stands here twice", key[strings.IndexByte(key, ' ')+1:])
		}
		seen[key] = true
	}
	for i, s := range f.Sources {
		at := fmt.Sprintf("sources[%d]", i)
		once(at+".id", "source "+s.ID)
		if !sourceID.MatchString(s.ID) {
			f.fault(at+".id", "an id has 1 to 64 lower-case letters, digits or hyphens")
		}
		switch directory.SourceKind(s.Kind) {
		case directory.BuiltIn:
		case directory.SAML:
			_, err := saml.ParseMetadata([]byte(s.Metadata), saml.MetadataOptions{}) // not expired, now
			if err == nil {
				_, err = portal.CheckSource(s.source())
			}
			if err != nil {
				f.fault(at+".metadata", "%v", err)
			}
		default:
			f.fault(at+".kind", "the kinds are builtin and saml, not %q", s.Kind)
		}
	}
	for i, g := range f.Groups {
		at := fmt.Sprintf("groups[%d]", i)
		once(at+".name", "group "+g.Source+"/"+g.Name)
		if g.Name == "" || len(g.Name) > directory.MaxName {
			f.fault(at+".name", "a name has 1 to %d bytes", directory.MaxName)
		}
	}
	for i, p := range f.People {
		at := fmt.Sprintf("people[%d].user_name", i)
		once(at, "person "+directory.FoldLogin(p.UserName))
		if directory.FoldLogin(p.UserName) == "" {
			f.fault(at, "%q cannot be a login name", p.UserName)
		}
	}
	for i, s := range f.PermissionSets {
		at := fmt.Sprintf("permission_sets[%d]", i)
		once(at+".name", "set "+s.Name)
		set := s.set()
		if err := set.Check(); err != nil {
			f.fault(at, "%v", err)
		}
	}
	for i, a := range f.Accounts {
		at := fmt.Sprintf("accounts[%d]", i)
		once(at+".id", "account "+a.ID)
		account := a.account()
		if err := account.Check(); err != nil {
			f.fault(at, "%v", err)
		}
	}
	for i, a := range f.Applications {
		at := fmt.Sprintf("applications[%d]", i)
		once(at+".entity_id", "application "+a.EntityID)
		if a.EntityID == "" {
			f.fault(at+".entity_id", "is missing")
		}
		if (a.Metadata == "") == (a.ACS == "") {
			f.fault(at, "either acs or metadata is needed")
		}
	}
	f.validateSettings()
}

func (f *file) validateSettings() {
	if f.AuditDays < -1 || f.AuditDays > 100*365 {
		f.fault("audit_days", "%d is not between 1 and 36500 days, nor -1 for ever", f.AuditDays)
	}
	for key, attribute := range f.Tags {
		if err := (access.Tag{Key: key, Attribute: attribute}).Check(); err != nil {
			f.fault("tags."+key, "%v", err)
		}
	}
	if f.STS != nil {
		if _, err := f.exchange(); err != nil {
			f.fault("sts", "%v", err)
		}
		for i, a := range f.Accounts {
			if !contains(f.STS.Regions, a.Region) {
				f.fault(fmt.Sprintf("accounts[%d].region", i), "%q is not one of sts.regions", a.Region)
			}
		}
	}
	if f.MFA != nil {
		f.validateMFA()
	}
}

func (f *file) validateMFA() {
	known := true
	if !contains([]string{"", string(mfa.Always), string(mfa.Contextual), string(mfa.Never), string(mfa.Deny)}, f.MFA.Mode) {
		f.fault("mfa.mode", "the modes are always, context, never and deny, not %q", f.MFA.Mode)
		known = false
	}
	if !contains([]string{"", string(mfa.ActEnrol), string(mfa.ActBlock), string(mfa.ActAllow)}, f.MFA.NoFactor) {
		f.fault("mfa.no_factor", "the values are enrol, block and allow, not %q", f.MFA.NoFactor)
		known = false
	}
	if _, err := mfa.NewPolicy(f.MFA.policy()); known && err != nil {
		f.fault("mfa", "%s", strings.TrimPrefix(err.Error(), "mfa: "))
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func (s *settings) exchange() (*portal.STS, error) {
	return portal.NewSTS(portal.STSConfig{Base: sts.Config{Endpoint: s.STS.Endpoint}, Regions: s.STS.Regions})
}

func (m *mfaSpec) policy() mfa.PolicyConfig {
	c := portal.DefaultMFAPolicy()
	if m.Mode != "" {
		c.Default.Mode = mfa.Mode(m.Mode)
	}
	if m.NoFactor != "" {
		c.Default.NoFactor.Action = mfa.Action(m.NoFactor)
	}
	c.Default.Trust = time.Duration(m.TrustDays) * 24 * time.Hour
	return c
}

// config is the portal's configuration, as far as an organisation says it.
func (s *settings) config() portal.Config {
	c := portal.Config{Brand: s.Brand, Region: s.Region, StartURLs: s.StartURLs, HeadAlias: s.HeadAlias}
	for key, attribute := range s.Tags {
		c.Tags = append(c.Tags, access.Tag{Key: key, Attribute: attribute})
	}
	sort.Slice(c.Tags, func(i, j int) bool { return c.Tags[i].Key < c.Tags[j].Key })
	if s.MFA != nil {
		policy := s.MFA.policy()
		c.MFAPolicy = &policy
	}
	if c.AuditRetention = time.Duration(s.AuditDays) * 24 * time.Hour; s.AuditDays < 0 {
		c.AuditRetention = portal.KeepAudit
	}
	return c
}

func (s *sourceSpec) source() *directory.Source {
	out := &directory.Source{ID: s.ID, Kind: directory.SourceKind(s.Kind), Name: s.Name, Owner: directory.OwnerApply}
	for _, d := range s.Domains {
		out.Domains = append(out.Domains, strings.ToLower(d))
	}
	if out.Kind == directory.SAML {
		out.SAML = &directory.SAMLSource{
			Metadata: s.Metadata, AllowIdPInitiated: s.AllowIdPInitiated, TrustedContexts: s.TrustedContexts, CreatePeople: s.CreatePeople,
			JoinAttribute: s.JoinAttribute, DisplayName: s.DisplayName, Email: s.Email,
		}
	}
	return out
}

func (s *permissionSetSpec) set() access.PermissionSet {
	return access.PermissionSet{
		Name: s.Name, Description: s.Description, SessionDuration: time.Duration(s.SessionDuration), RelayState: s.RelayState,
		NoDeviceCode: s.NoDeviceCode, MFA: s.MFA, Owner: directory.OwnerApply,
	}
}

func (a *accountSpec) account() access.Account {
	out := access.Account{
		ID: a.ID, Name: a.Name, Email: a.Email, Environment: a.Environment, Partition: a.Partition, Region: a.Region, SignInURL: a.SignInURL,
		ProviderARN: a.ProviderARN, Roles: a.Roles, SourceIdentity: a.SourceIdentity, Owner: directory.OwnerApply,
	}
	if out.Partition == "" {
		out.Partition = "aws"
	}
	return out
}

func (a *applicationSpec) app() app.App {
	out := app.App{
		Name: a.Name, Description: a.Description, EntityID: a.EntityID, Metadata: a.Metadata, NameID: a.NameID,
		IdPInitiated: a.IdPInitiated, RelayState: a.RelayState, Owner: directory.OwnerApply,
	}
	for name, from := range a.Attributes {
		out.Attributes = append(out.Attributes, app.Attribute{Name: name, From: from})
	}
	sort.Slice(out.Attributes, func(i, j int) bool { return out.Attributes[i].Name < out.Attributes[j].Name })
	return out
}
