// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"maps"
	"net/http"
	"sync"
	"testing"

	elimity "github.com/elimity-com/scim"
	"github.com/elimity-com/scim/errors"
	"github.com/elimity-com/scim/optional"
	"github.com/elimity-com/scim/schema"
)

// mapHandler is elimity-com/scim's handler over a map, with a lock.
type mapHandler struct {
	mu   sync.RWMutex
	n    int
	data map[string]elimity.ResourceAttributes
	ids  []string
}

func (h *mapHandler) resource(id string, a elimity.ResourceAttributes) elimity.Resource {
	return elimity.Resource{ID: id, ExternalID: optional.NewString("x"), Attributes: maps.Clone(a), Meta: elimity.Meta{Version: "1"}}
}

func (h *mapHandler) Create(_ *http.Request, a elimity.ResourceAttributes) (elimity.Resource, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.n++
	id := fmt.Sprintf("%08d", h.n)
	h.data[id] = a
	h.ids = append(h.ids, id)
	return h.resource(id, a), nil
}

func (h *mapHandler) Get(_ *http.Request, id string) (elimity.Resource, error) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	a, ok := h.data[id]
	if !ok {
		return elimity.Resource{}, errors.ScimErrorResourceNotFound(id)
	}
	return h.resource(id, a), nil
}

func (h *mapHandler) GetAll(_ *http.Request, p elimity.ListRequestParams) (elimity.Page, error) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	page := elimity.Page{TotalResults: len(h.ids)}
	for i := p.StartIndex - 1; i < min(len(h.ids), p.StartIndex-1+p.Count); i++ {
		page.Resources = append(page.Resources, h.resource(h.ids[i], h.data[h.ids[i]]))
	}
	return page, nil
}

func (h *mapHandler) Replace(_ *http.Request, id string, a elimity.ResourceAttributes) (elimity.Resource, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.data[id] = a
	return h.resource(id, a), nil
}

func (h *mapHandler) Delete(_ *http.Request, id string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.data, id)
	return nil
}

func (h *mapHandler) Patch(_ *http.Request, id string, ops []elimity.PatchOperation) (elimity.Resource, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	a := maps.Clone(h.data[id])
	for _, op := range ops {
		if op.Path != nil {
			a[op.Path.String()] = op.Value
		}
	}
	h.data[id] = a
	return h.resource(id, a), nil
}

// BenchmarkSCIMElimity is what the memory store is compared with.
func BenchmarkSCIMElimity(b *testing.B) {
	const users = 10_000
	handler := &mapHandler{data: map[string]elimity.ResourceAttributes{}}
	server, err := elimity.NewServer(&elimity.ServerArgs{
		ServiceProviderConfig: &elimity.ServiceProviderConfig{SupportPatch: true, SupportFiltering: true},
		ResourceTypes:         []elimity.ResourceType{{ID: optional.NewString("User"), Name: "User", Endpoint: "/Users", Schema: schema.CoreUserSchema(), Handler: handler}},
	})
	if err != nil {
		b.Fatal(err)
	}
	for i := range users {
		if got := scimDo(server, "POST", "/Users", scimPersonBody(i)); got != 201 {
			b.Fatal(got)
		}
	}
	b.Run("get", func(b *testing.B) {
		parallel(b, func(i int) int { return scimDo(server, "GET", "/Users/"+handler.ids[i*7919%users], "") }, 200)
	})
	b.Run("page_of_100", func(b *testing.B) {
		parallel(b, func(i int) int {
			return scimDo(server, "GET", fmt.Sprintf("/Users?count=100&startIndex=%d", i*100%users+1), "")
		}, 200)
	})
	b.Run("patch_user", func(b *testing.B) {
		parallel(b, func(i int) int {
			return scimDo(server, "PATCH", "/Users/"+handler.ids[i*7919%users], fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"title","value":"T%d"}]}`, i))
		}, 200)
	})
	b.Run("create", func(b *testing.B) {
		parallel(b, func(i int) int { return scimDo(server, "POST", "/Users", scimPersonBody(1_000_000+i)) }, 201)
	})
}
