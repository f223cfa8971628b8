// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim_test

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/scim"
)

// hostile are requests that are built to cost much.
func hostile() []struct {
	name, method, path, body string
	status                   int
	check                    scim.Check // of the request, or of an operation of it
} {
	repeat := func(s string, n int) string { return strings.TrimSuffix(strings.Repeat(s, n), ",") }
	var chain, circle []string
	for i := range 1000 {
		op := `{"method":"POST","path":"/Groups","bulkId":"g%d","data":{"schemas":["` + scim.GroupURN + `"],"displayName":"","members":[{"value":"bulkId:g%d"}]}}`
		chain = append(chain, fmt.Sprintf(op, i, i+1))
		circle = append(circle, fmt.Sprintf(op, i, (i+1)%1000))
	}
	bulk := `{"schemas":["` + scim.BulkRequestURN + `"],"Operations":[`
	patch := `{"schemas":["` + scim.PatchOpURN + `"],"Operations":[`
	return []struct {
		name, method, path, body string
		status                   int
		check                    scim.Check
	}{
		{"parentheses", "GET", "/Users?filter=" + strings.Repeat("(", 200_000), "", 413, scim.CheckTooLarge},
		{"fewer parentheses", "GET", "/Users?filter=" + strings.Repeat("(", 8000), "", 400, scim.CheckInvalidFilter},
		{"parentheses in a search", "POST", "/Users/.search", `{"schemas":["` + scim.SearchURN + `"],"filter":"` + strings.Repeat("(", 200_000) + `"}`, 413, scim.CheckTooLarge},
		{"brackets in a path", "PATCH", "/Users/x", patch + `{"op":"remove","path":"` + repeat("emails[", 9000) + `"}]}`, 400, scim.CheckInvalidPath},
		{"body of 20 MB", "POST", "/Users", `{"userName":"` + strings.Repeat("x", 20<<20) + `"}`, 413, scim.CheckTooLarge},
		{"nested lists", "POST", "/Users", strings.Repeat("[", 2<<20-1), 400, scim.CheckInvalidSyntax},
		{"keys", "POST", "/Users", `{` + manyKeys(100_000) + `}`, 413, scim.CheckTooLarge},
		{"operations of a patch", "PATCH", "/Users/x", patch + repeat(`{"op":"add","path":"title","value":"x"},`, 10_000) + `]}`, 413, scim.CheckTooLarge},
		{"operations of a bulk", "POST", "/Bulk", bulk + repeat(`{"method":"DELETE","path":"/Users/x"},`, 10_000) + `]}`, 413, scim.CheckTooLarge},
		{"broken chain of bulkIds", "POST", "/Bulk", bulk + strings.Join(chain, ",") + `]}`, 200, scim.CheckInvalidValue},
		{"circle of bulkIds", "POST", "/Bulk", bulk + strings.Join(circle, ",") + `]}`, 200, scim.CheckInvalidValue},
		{"members by the million", "POST", "/Groups", `{"displayName":"g","members":[` + repeat(`{"value":"x"},`, 1_000_000) + `]}`, 413, scim.CheckTooLarge},
		{"members that fit", "POST", "/Groups", `{"schemas":["` + scim.GroupURN + `"],"displayName":"g","members":[` + repeat(`{"value":"x"},`, 40_000) + `]}`, 400, scim.CheckInvalidValue},
	}
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"k%d":1,`, i)
	}
	return b.String() + `"z":1`
}

// heap is what is reachable.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what finalizers let go
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Requests that cost much are refused, by the check that is meant to, and leave
// nothing in memory.
func TestHostile(t *testing.T) {
	const most = 512 << 10
	s := newServer(t, nil)
	for _, c := range hostile() {
		t.Run(c.name, func(t *testing.T) {
			r := s.do(c.method, c.path, c.body).want(c.status)
			if s.err == nil || s.err.Check != c.check {
				t.Errorf("refused by %v, not by %s", s.err, c.check)
			}
			if c.status == http.StatusOK && strings.Contains(r.text, `"status":"201"`) {
				t.Error("something was created")
			}
			s.err = nil
			before := heap()
			for range 3 {
				s.do(c.method, c.path, c.body)
			}
			s.err = nil
			if left := heap() - before; left > most {
				t.Errorf("%d bytes are left", left)
			}
		})
	}
	t.Run("what is kept is seen", func(t *testing.T) {
		before := heap()
		kept := make([]byte, 2*most)
		if left := heap() - before; left <= most {
			t.Errorf("%d bytes of %d", left, len(kept))
		}
		runtime.KeepAlive(kept)
	})
}
