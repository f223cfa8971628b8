// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package repotest

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// rule forbids imports. It looks at everything that a package reaches, not
// only at what it names itself.
type rule struct {
	name string
	why  string
	who  func(rel string) bool // whom the rule binds
	not  func(rel string) bool // what they may not reach, within the module
}

// in makes a predicate of folders.
func in(folders ...string) func(string) bool {
	return func(rel string) bool { return under(rel, folders...) }
}

// but leaves out what skip says.
func but(who, skip func(string) bool) func(string) bool {
	return func(rel string) bool { return who(rel) && !skip(rel) }
}

func anyOf(preds ...func(string) bool) func(string) bool {
	return func(rel string) bool {
		return slices.ContainsFunc(preds, func(p func(string) bool) bool { return p(rel) })
	}
}

func everything(string) bool { return true }

// programs are where things are put together and where they are tested.
var programs = anyOf(in("examples", "internal/interop", "internal/repotest"), isKit)

var leaves = []string{"saml", "sts", "mfa", "scim"}

var domain = in("portal/directory", "portal/access", "portal/app", "portal/session", "portal/audit")

var rules = []rule{
	{"saml stands alone", "a leaf is useful by itself; leaves meet in small values on the consumer's side", but(in("saml"), isKit), in("sts", "mfa", "scim")},
	{"sts stands alone", "it takes the encoded assertion and does not care who made it", but(in("sts"), isKit), in("saml", "mfa", "scim")},
	{"mfa stands alone", "a second factor is none of SAML's, STS's or SCIM's business", but(in("mfa"), isKit), in("saml", "sts", "scim")},
	{"scim stands alone", "provisioning knows no sign-in", but(in("scim"), isKit), in("saml", "sts", "mfa")},
	{"leaves know no portal", "imports go downward only", in(leaves...), in("portal")},
	{"leaves need little", "of internal, leaves use the transaction in the context, sealing and the rules of HTTP; whoever reads a leaf reads no more", but(in(leaves...), isKit), but(in("internal"), in("internal/sqltx", "internal/seal", "internal/httpx"))},
	{"the AWS dialect is values", "a linter or another SAML stack can use it", in("saml/awsrole"), but(everything, in("saml/awsrole"))},
	{"no test kits in production", "a kit holds keys that everybody knows and peers that lie on request", but(everything, programs), isKit},
	{"portal is the top", "what it composes must not know it", but(everything, anyOf(programs, in("portal"))), in("portal")},
	{"portal's parts don't know the whole", "only portaltest puts the portal up", but(in("portal"), anyOf(isKit, func(rel string) bool { return rel == "portal" })), func(rel string) bool { return rel == "portal" }},
	{"stores are chosen by programs", "a package that opens a database decides for its users", but(everything, anyOf(programs, in("portal/sqlstore"))), in("portal/sqlstore")},
	{"the domain knows no pages and no protocol", "who may do what is decided without a browser", but(domain, isKit), in("portal/ui", "portal/signin", "portal/awssso", "portal/admin")},
	{"pages know no store and no protocol", "a page is a struct that renders; examples/uibook shows all of them without a backend", in("portal/ui"), but(everything, in("portal/ui"))},
	{"the AWS wire knows no pages", "it answers clients; consent pages come in by its Config", but(in("portal/awssso"), isKit), in("portal/ui", "portal/admin", "portal/signin", "saml", "sts", "scim", "mfa")},
	{"nobody imports programs", "examples are read and copied", but(everything, in("examples")), in("examples")},
	{"interop stays apart", "it holds the heavy test libraries", but(everything, in("internal/interop")), in("internal/interop")},
}

func TestImports(t *testing.T) {
	t.Parallel()
	g := packages(t)
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			for _, v := range r.violations(g) {
				t.Error(v)
			}
		})
	}
}

// violations are sentences that say who reaches what by which way.
func (r rule) violations(g graph) []string {
	var found []string
	for _, p := range g.own() {
		if !r.who(p.rel()) {
			continue
		}
		for _, dep := range p.Deps {
			if d := g[dep]; d != nil && d.ours() && r.not(d.rel()) {
				found = append(found, fmt.Sprintf("%s reaches %s (%s): %s", p.rel(), d.rel(), g.chain(p, d.ImportPath), r.why))
			}
		}
	}
	return found
}

// TestRulesBite breaks rules in made-up modules, directly and by a detour.
func TestRulesBite(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		edges []string // importer, imported, importer, imported...
		by    string   // the rule that must object; "" if none
	}{
		{[]string{"saml", "sts"}, "saml stands alone"},
		{[]string{"scim/filter", "internal/sqltx", "internal/sqltx", "mfa"}, "scim stands alone"},
		{[]string{"mfa/totp", "portal/ui"}, "leaves know no portal"},
		{[]string{"sts", "internal/bench"}, "leaves need little"},
		{[]string{"saml/awsrole", "saml"}, "the AWS dialect is values"},
		{[]string{"portal", "sts/ststest"}, "no test kits in production"},
		{[]string{"portal/access", "saml/samlsql", "saml/samlsql", "internal/testkeys"}, "no test kits in production"},
		{[]string{"portal/access", "portal"}, "portal's parts don't know the whole"},
		{[]string{"portal", "portal/sqlstore"}, "stores are chosen by programs"},
		{[]string{"portal/directory", "portal/ui"}, "the domain knows no pages and no protocol"},
		{[]string{"portal/ui", "portal/session"}, "pages know no store and no protocol"},
		{[]string{"portal/awssso", "sts"}, "the AWS wire knows no pages"},
		{[]string{"portal", "examples/idp"}, "nobody imports programs"},
		{[]string{"portal/portaltest", "internal/interop/browser"}, "interop stays apart"},
		{[]string{"sts/ststest", "saml/xmldsig"}, ""},
		{[]string{"portal/portaltest", "portal", "portal", "saml"}, ""},
		{[]string{"examples/portal", "portal/sqlstore", "examples/portal", "sts/ststest"}, ""},
		{[]string{"mfa/mfasql", "internal/sqltx"}, ""},
	} {
		g := imagine(c.edges)
		var objected []string
		for _, r := range rules {
			if len(r.violations(g)) > 0 {
				objected = append(objected, r.name)
			}
		}
		if c.by == "" && len(objected) > 0 || c.by != "" && !slices.Contains(objected, c.by) {
			t.Errorf("%v: the rules %q object, want %q", c.edges, objected, c.by)
		}
	}
}

// imagine makes a graph of importers and imported.
func imagine(edges []string) graph {
	g := graph{}
	node := func(rel string) *pkg {
		at := module + "/" + rel
		if g[at] == nil {
			g[at] = &pkg{ImportPath: at, Module: &moduleOf{Path: module, Main: true}}
		}
		return g[at]
	}
	for i := 0; i < len(edges); i += 2 {
		node(edges[i]).Imports = append(node(edges[i]).Imports, node(edges[i+1]).ImportPath)
	}
	var reach func(p *pkg, deps []string) []string
	reach = func(p *pkg, deps []string) []string {
		for _, i := range p.Imports {
			deps = reach(g[i], append(deps, i))
		}
		return deps
	}
	for _, p := range g {
		p.Deps = reach(p, nil)
	}
	return g
}

// chain tells how a package comes to another one.
func (g graph) chain(from *pkg, to string) string {
	var steps []string
	for p := from; p.ImportPath != to; {
		next := to
		if !slices.Contains(p.Imports, to) {
			next = ""
			for _, i := range p.Imports {
				if d := g[i]; d != nil && slices.Contains(d.Deps, to) {
					next = i
					break
				}
			}
			if next == "" {
				break
			}
		}
		steps = append(steps, strings.TrimPrefix(next, module+"/"))
		p = g[next]
	}
	return strings.Join(steps, " -> ")
}

// A third-party module has one door: only these packages name it.
var doors = []struct {
	prefix string // of import paths
	door   func(rel string) bool
	why    string
}{
	{"github.com/aws/", in("sts"), "only sts talks to AWS"},
	{"github.com/go-webauthn/", in("mfa/webauthn"), "its gaps are closed in one place"},
	{"layeh.com/radius", in("mfa/radius"), "it ignores Message-Authenticator"},
	{"github.com/russellhaering/gosaml2", in("saml/gosaml2compat"), "its types show in gosaml2compat only"},
	{"github.com/russellhaering/goxmldsig", in("saml/gosaml2compat"), "it is the oracle of our own engine in tests"},
	{"github.com/beevik/etree", in("saml"), "it builds documents, it does not read them"},
	{"github.com/jackc/pgx", in("portal/sqlstore"), "drivers are chosen by whoever opens the database"},
	{"modernc.org/", in("portal/sqlstore"), "drivers are chosen by whoever opens the database"},
	{"github.com/pressly/goose", in("portal/sqlstore"), "migrations of the leaves are files; the portal runs them"},
	{"github.com/go-ldap/", in("portal/directory"), "LDAP is an identity source"},
	{"golang.org/x/crypto/argon2", in("portal/directory"), "passwords are hashed in one place"},
	{"github.com/ccojocar/zxcvbn-go", in("portal/directory"), "passwords are judged in one place"},
	{"github.com/boombuler/barcode", in("mfa/totp/totpqr", "portal"), "codes are drawn for pages"},
	{"go.yaml.in/yaml", in(), "configuration files belong to programs"},
	{"github.com/alecthomas/kong", in(), "command lines belong to programs"},
	{"github.com/chromedp/", in(), "browsers belong to tests"},
}

func TestDoors(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t).own() {
		if under(p.rel(), "examples", "internal/interop") || isKit(p.rel()) {
			continue
		}
		for _, d := range doors {
			if d.door(p.rel()) {
				continue
			}
			for _, i := range p.Imports {
				if strings.HasPrefix(i, d.prefix) {
					t.Errorf("%s imports %s: %s", p.rel(), i, d.why)
				}
			}
		}
	}
}

// What a user's program links with a package.
func TestLinkedModules(t *testing.T) {
	t.Parallel()
	g := packages(t)
	awsCore := []string{"github.com/aws/aws-sdk-go-v2", "github.com/aws/smithy-go"}
	isAWSCore := func(m string) bool {
		return slices.Contains(awsCore, m) || m == "github.com/aws/aws-sdk-go-v2/service/sts" ||
			strings.HasPrefix(m, "github.com/aws/aws-sdk-go-v2/internal/") || strings.HasPrefix(m, "github.com/aws/aws-sdk-go-v2/service/internal/")
	}
	none := func(string) bool { return false }
	all := func(string) bool { return true }
	for _, c := range []struct {
		pkg   string
		most  int
		allow func(string) bool
		why   string
	}{
		{"scim", 0, none, "a SCIM endpoint costs its user no dependency"},
		{"scim/filter", 0, none, "a SCIM endpoint costs its user no dependency"},
		{"scim/patch", 0, none, "a SCIM endpoint costs its user no dependency"},
		{"mfa", 0, none, "a factor costs its user no dependency"},
		{"mfa/totp", 0, none, "a factor costs its user no dependency"},
		{"mfa/code", 0, none, "a factor costs its user no dependency"},
		{"mfa/recovery", 0, none, "a factor costs its user no dependency"},
		{"saml", 5, all, "an XML parser's dependencies are part of the attack surface"},
		{"saml/awsrole", 0, none, "it is values"},
		{"saml/xmldsig", 5, all, "an XML parser's dependencies are part of the attack surface"},
		{"sts", 16, isAWSCore, "it takes an aws.Config: how it was loaded is the caller's choice"},
		{"portal/ui", 0, none, "pages are html/template"},
		{"portal/awssso", 0, none, "the AWS wire is HTTP and JSON"},
	} {
		p := g.get(c.pkg)
		if p == nil {
			t.Errorf("no package %s", c.pkg)
			continue
		}
		linked := g.modules(p)
		for m, via := range linked {
			if !c.allow(m) {
				t.Errorf("%s links %s (%s): %s", c.pkg, m, via, c.why)
			}
		}
		if len(linked) > c.most {
			t.Errorf("%s links %d modules, more than %d: %s", c.pkg, len(linked), c.most, c.why)
		}
	}
}

// Packages that take a *sql.DB leave the driver to whoever opens it.
func TestSQLPackagesImportNoDriver(t *testing.T) {
	t.Parallel()
	g := packages(t)
	seen := 0
	for _, p := range g.own() {
		if !strings.HasSuffix(p.rel(), "sql") {
			continue
		}
		seen++
		for m := range g.modules(p) {
			t.Errorf("%s links %s; it takes a *sql.DB and needs nothing else", p.rel(), m)
		}
	}
	if seen < 2 {
		t.Errorf("found %d *sql packages", seen)
	}
}

// Tests of packages that users import add nothing to a user's go.sum: they
// import the standard library, Gatehouse, and modules that the package links
// anyway.
func TestTestImports(t *testing.T) {
	t.Parallel()
	g := packages(t)
	for _, p := range g.own() {
		if !p.importable() {
			continue
		}
		linked := g.modules(p)
		for _, i := range slices.Concat(p.TestImports, p.XTestImports) {
			first, _, _ := strings.Cut(i, "/")
			if !strings.Contains(first, ".") || i == module || strings.HasPrefix(i, module+"/") {
				continue
			}
			if d := g[i]; d != nil && d.Module != nil && linked[d.Module.Path] != "" {
				continue
			}
			t.Errorf("a test of %s imports %s: tests that need more than Gatehouse live in internal/interop", p.rel(), i)
		}
	}
}

// Examples are programs: what is worth importing belongs in a package.
func TestExamplesArePrograms(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t).own() {
		rel := p.rel()
		if path.Dir(rel) == "examples" && p.Name != "main" {
			t.Errorf("%s is package %s, not a program", rel, p.Name)
		}
	}
}

// TestExamplesAreForEverybody: what the documentation shows can be copied into
// a program of one's own, which can import nothing of internal.
func TestExamplesAreForEverybody(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, p := range packages(t).own() {
		if !p.importable() {
			continue
		}
		names, err := filepath.Glob(filepath.Join(p.Dir, "*example*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			seen++
			for _, i := range parse(t, name).Imports {
				if strings.Contains(i.Path.Value, "/internal/") {
					t.Errorf("%s/%s imports %s", p.rel(), filepath.Base(name), i.Path.Value)
				}
			}
		}
	}
	if seen < 12 {
		t.Errorf("looked at %d files only", seen)
	}
}
