// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	_ "modernc.org/sqlite"

	"github.com/gatehouse-id/gatehouse/scim"
	"github.com/gatehouse-id/gatehouse/scim/scimsql"
)

// scimBed is a SCIM server with people.
type scimBed struct {
	db     *sql.DB
	h      http.Handler
	users  scim.Store[scim.User]
	groups scim.Store[scim.Group]
	tx     scim.Transactor
	ids    []string
	group  string // has 1,000 members
}

func scimHandler(tb testing.TB, users scim.Store[scim.User], groups scim.Store[scim.Group]) http.Handler {
	h, err := scim.New(scim.Config{
		BaseURL: "https://app.example/v2", Users: users, Groups: groups,
		Authenticate: func(*http.Request) (scim.Caller, error) { return scim.Caller{Tenant: "acme"}, nil },
		OnError: func(r *http.Request, err *scim.Error) {
			if err.Status() >= 500 {
				tb.Errorf("%s %s: %v", r.Method, r.URL, err)
			}
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return h
}

func scimSQLite(tb testing.TB, dir string) *sql.DB {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "scim.db")+"?_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=busy_timeout(5000)")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { db.Close() })
	p, err := goose.NewProvider(database.DialectSQLite3, db, scimsql.Migrations(), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := p.Up(context.Background()); err != nil {
		tb.Fatal(err)
	}
	return db
}

func scimOnSQLite(tb testing.TB, users, groups int) *scimBed {
	bed := &scimBed{db: scimSQLite(tb, tb.TempDir())}
	s := scimsql.New(bed.db, nil)
	bed.tx = s
	var err error
	if bed.users, err = s.Users(); err != nil {
		tb.Fatal(err)
	}
	if bed.groups, err = s.Groups(); err != nil {
		tb.Fatal(err)
	}
	bed.fill(tb, users, groups)
	return bed
}

func scimInMemory(tb testing.TB, users, groups int) *scimBed {
	m := scim.NewMemoryStore(1 << 20)
	bed := &scimBed{users: m.Users(), groups: m.Groups(), tx: m}
	bed.fill(tb, users, groups)
	return bed
}

func scimPerson(i int) *scim.User {
	active := true
	return &scim.User{
		UserName: fmt.Sprintf("user%06d@example.com", i), Base: scim.Base{ExternalID: fmt.Sprintf("00u%d", i)}, Active: &active,
		Name: &scim.Name{GivenName: "Given", FamilyName: fmt.Sprintf("Family%d", i)}, DisplayName: fmt.Sprintf("Given Family%d", i),
		Emails: []scim.Value{{Value: fmt.Sprintf("user%06d@example.com", i), Type: "work", Primary: true}},
	}
}

func scimPersonBody(i int) string {
	return fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"user%06d@example.com","externalId":"00u%d","active":true,
		"name":{"givenName":"Given","familyName":"Family%d"},"displayName":"Given Family%d","emails":[{"value":"user%06d@example.com","type":"work","primary":true}]}`, i, i, i, i, i)
}

func (bed *scimBed) fill(tb testing.TB, users, groups int) {
	bed.h = scimHandler(tb, bed.users, bed.groups)
	batch := func(n int, fn func(ctx context.Context, i int) error) {
		for from := 0; from < n; from += 500 {
			err := bed.tx.InTx(context.Background(), func(ctx context.Context) error {
				for i := from; i < min(n, from+500); i++ {
					if err := fn(ctx, i); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				tb.Fatal(err)
			}
		}
	}
	batch(users, func(ctx context.Context, i int) error {
		u, err := bed.users.Create(ctx, "acme", scimPerson(i))
		if err == nil {
			bed.ids = append(bed.ids, u.ID)
		}
		return err
	})
	batch(groups, func(ctx context.Context, i int) error {
		g := &scim.Group{DisplayName: fmt.Sprintf("group%d", i)}
		n := 10
		if i == 0 {
			n = 1000
		}
		for j := range min(n, users) {
			g.Members = append(g.Members, scim.Member{Value: bed.ids[(i*7+j)%users]})
		}
		made, err := bed.groups.Create(ctx, "acme", g)
		if err == nil && i == 0 {
			bed.group = made.ID
		}
		return err
	})
	if bed.db != nil {
		if _, err := bed.db.Exec("ANALYZE"); err != nil {
			tb.Fatal(err)
		}
	}
}

// nullWriter takes an answer and keeps its status.
type nullWriter struct {
	header http.Header
	status int
	n      int
}

func (w *nullWriter) Header() http.Header         { return w.header }
func (w *nullWriter) Write(b []byte) (int, error) { w.n += len(b); return len(b), nil }
func (w *nullWriter) WriteHeader(s int)           { w.status = s }

func scimDo(h http.Handler, method, path, body string) int {
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, "https://app.example/v2"+path, reader)
	r.Header.Set("Authorization", "Bearer x")
	r.Header.Set("Content-Type", "application/scim+json")
	w := &nullWriter{header: http.Header{}}
	h.ServeHTTP(w, r)
	return w.status
}

// parallel runs fn with numbers of its own, and reports requests per second.
func parallel(b *testing.B, fn func(i int) int, want int) {
	b.Helper()
	var n, bad atomic.Int64
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if got := fn(int(n.Add(1))); got != want {
				bad.Store(int64(got))
			}
		}
	})
	if bad.Load() != 0 {
		b.Fatalf("status %d, not %d", bad.Load(), want)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
}

func scimEq(i int) string {
	return "/Users?filter=" + url.QueryEscape(fmt.Sprintf(`userName eq "USER%06d@example.com"`, i))
}

func scimAdd(id string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"add","path":"members","value":[{"value":"` + id + `"}]}]}`
}

// The bars: userName eq and adding a member to a group of 1,000 at 5,000/s or
// more on SQLite, a page of 100 at 900/s or more.
func BenchmarkSCIMOnSQLite(b *testing.B) { benchSCIM(b, scimOnSQLite) }
func BenchmarkSCIMInMemory(b *testing.B) { benchSCIM(b, scimInMemory) }

func benchSCIM(b *testing.B, open func(testing.TB, int, int) *scimBed) {
	const users = 10_000
	bed := open(b, users, 1000)
	b.Run("userName_eq", func(b *testing.B) {
		parallel(b, func(i int) int { return scimDo(bed.h, "GET", scimEq(i*7919%users), "") }, 200)
	})
	b.Run("work_email_eq", func(b *testing.B) { // as Entra ID asks
		parallel(b, func(i int) int {
			return scimDo(bed.h, "GET", "/Users?filter="+url.QueryEscape(fmt.Sprintf(`emails[type eq "work"].value eq "user%06d@example.com"`, i*7919%users)), "")
		}, 200)
	})
	b.Run("get", func(b *testing.B) {
		parallel(b, func(i int) int { return scimDo(bed.h, "GET", "/Users/"+bed.ids[i*7919%users], "") }, 200)
	})
	b.Run("page_of_100", func(b *testing.B) {
		parallel(b, func(i int) int {
			return scimDo(bed.h, "GET", fmt.Sprintf("/Users?count=100&startIndex=%d", i*100%users+1), "")
		}, 200)
	})
	b.Run("page_of_100_by_cursor", func(b *testing.B) {
		parallel(b, func(i int) int { return scimDo(bed.h, "GET", "/Users?count=100&cursor", "") }, 200)
	})
	b.Run("patch_user", func(b *testing.B) {
		parallel(b, func(i int) int {
			return scimDo(bed.h, "PATCH", "/Users/"+bed.ids[i*7919%users], fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"title","value":"T%d"}]}`, i))
		}, 200)
	})
	b.Run("create", func(b *testing.B) {
		base := int(time.Now().UnixNano() % 1_000_000_000)
		parallel(b, func(i int) int { return scimDo(bed.h, "POST", "/Users", scimPersonBody(1_000_000+base+i)) }, 201)
	})
	// Last, because the group grows: members beyond the first 1,000 come and go.
	b.Run("add_member_to_1000", func(b *testing.B) {
		parallel(b, func(i int) int {
			body := scimAdd(bed.ids[1000+i/2*7919%(users-1000)])
			if i%2 == 1 {
				body = strings.Replace(strings.Replace(body, `"add"`, `"remove"`, 1), `"path":"members","value":[{"value":"`, `"path":"members[value eq \"`, 1)
				body = strings.Replace(body, `"}]}]}`, `\"]"}]}`, 1)
			}
			return scimDo(bed.h, "PATCH", "/Groups/"+bed.group, body)
		}, 204)
	})
}

// The median of userName eq at 50,000 users and 10,000 groups is at most 1.3
// times that at 1,000 and 200. Both take turns.
func BenchmarkSCIMGrowth(b *testing.B) {
	sizes := []struct{ users, groups int }{{1000, 200}, {50_000, 10_000}}
	var beds [2]*scimBed
	var took [2][]time.Duration
	for k, size := range sizes {
		beds[k] = scimOnSQLite(b, size.users, size.groups)
	}
	i := 0
	for b.Loop() {
		i++
		for k, size := range sizes {
			start := time.Now()
			if got := scimDo(beds[k].h, "GET", scimEq(i*7919%size.users), ""); got != 200 {
				b.Fatal(got)
			}
			took[k] = append(took[k], time.Since(start))
		}
	}
	median := func(d []time.Duration) float64 {
		slices.Sort(d)
		return float64(d[len(d)/2].Nanoseconds())
	}
	small, large := median(took[0]), median(took[1])
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(small, "p50-ns-at-1000")
	b.ReportMetric(large, "p50-ns-at-50000")
	b.ReportMetric(large/small, "x-growth")
}

// Hostile requests are refused in less than 50 ms.
func BenchmarkSCIMHostile(b *testing.B) {
	bed := scimInMemory(b, 10, 1)
	ref := func(i int) string {
		return fmt.Sprintf(`{"method":"POST","path":"/Groups","bulkId":"g%d","data":{"displayName":"g","members":[{"value":"bulkId:g%d"}]}}`, i, i+1)
	}
	var chain []string
	for i := range 1000 {
		chain = append(chain, ref(i))
	}
	for _, c := range []struct {
		name, method, path, body string
		status                   int
	}{
		{"parentheses", "GET", "/Users?filter=" + strings.Repeat("(", 200_000), "", 413},
		{"parentheses_in_search", "POST", "/Users/.search", `{"filter":"` + strings.Repeat("(", 200_000) + `"}`, 413},
		{"body_of_20MB", "POST", "/Users", `{"userName":"` + strings.Repeat("x", 20<<20) + `"}`, 413},
		{"nested_lists", "POST", "/Users", strings.Repeat("[", 2<<20-1), 400},
		{"operations", "PATCH", "/Users/x", `{"Operations":[` + strings.TrimSuffix(strings.Repeat(`{"op":"add","path":"title","value":"x"},`, 10_000), ",") + `]}`, 413},
		{"bulk_operations", "POST", "/Bulk", `{"Operations":[` + strings.TrimSuffix(strings.Repeat(`{"method":"DELETE","path":"/Users/x"},`, 10_000), ",") + `]}`, 413},
		{"broken_chain_of_bulkIds", "POST", "/Bulk", `{"Operations":[` + strings.Join(chain, ",") + `]}`, 200},
		{"members_by_the_million", "POST", "/Groups", `{"displayName":"g","members":[` + strings.TrimSuffix(strings.Repeat(`{"value":"x"},`, 1_000_000), ",") + `]}`, 413},
		{"keys", "POST", "/Users", `{` + manyKeys(100_000) + `}`, 413},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if got := scimDo(bed.h, c.method, c.path, c.body); got != c.status {
					b.Fatal(got)
				}
			}
		})
	}
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"k%d":1,`, i)
	}
	return b.String() + `"z":1`
}
