// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"cmp"
	"context"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gatehouse-id/gatehouse/scim/filter"
)

// MemoryStore keeps resources and tokens in this process, for tests and
// servers of one process that may forget. It refuses new resources when it is
// full and forgets none. It scans for filters on what has no index. It is a
// [TokenStore] and a [Transactor]; a transaction holds off all other calls.
type MemoryStore struct {
	mu      sync.RWMutex
	max     int
	count   int
	tenants map[string]*memTenant
	tokens  map[[32]byte]*Token
	now     func() time.Time
}

// NewMemoryStore returns an empty store for max resources of all tenants.
func NewMemoryStore(max int) *MemoryStore {
	return &MemoryStore{max: max, tenants: map[string]*memTenant{}, tokens: map[[32]byte]*Token{}, now: time.Now}
}

// Users returns the users, with extensions beside the enterprise extension.
// It panics if an extension is not a valid schema.
func (m *MemoryStore) Users(extensions ...Schema) Store[User] {
	return must(MemoryOf[User](m, withExtensions(UserType(), extensions)))
}

// Groups returns the groups, with extensions. It panics if an extension is not
// a valid schema.
func (m *MemoryStore) Groups(extensions ...Schema) Store[Group] {
	return must(MemoryOf[Group](m, withExtensions(GroupType(), extensions)))
}

// MemoryOf returns the resources of an application's own type.
func MemoryOf[R any, P interface {
	*R
	Resource
}](m *MemoryStore, c TypeConfig) (Store[R], error) {
	t, err := newResourceType(c, reflect.TypeFor[R]())
	if err != nil {
		return nil, err
	}
	return &memory[R, P]{MemoryStore: m, t: t}, nil
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func withExtensions(c TypeConfig, extensions []Schema) TypeConfig {
	for _, e := range extensions {
		c.Extensions = append(c.Extensions, Extension{Schema: e})
	}
	return c
}

type memTenant struct {
	tables   map[string]*memTable
	memberOf map[string]map[string]bool // resource id -> group ids
}

type memTable struct {
	byID  map[string]*record
	order []*record // by seq
	seq   int64
	index map[string][]*record // path, NUL, folded value
}

// record is one resource. Its object is never changed.
type record struct {
	id                string
	seq               int64
	version           int64
	created, modified time.Time
	o                 *object
	r                 Resource // the same, as a struct that is never changed
	doc               string   // and as a document
	members           map[string]memMember
	memberSeq         int64
}

type memMember struct {
	Member
	seq int64
}

type memTxKey struct{ m *MemoryStore }

type memTx struct {
	undo []func()
	done bool
}

// InTx implements [Transactor].
func (m *MemoryStore) InTx(ctx context.Context, fn func(ctx context.Context) error) (err error) {
	if tx, ok := ctx.Value(memTxKey{m}).(*memTx); ok {
		if tx.done {
			return errDone
		}
		return fn(ctx)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	tx := &memTx{}
	committed := false
	defer func() {
		tx.done = true
		if !committed {
			for _, undo := range slices.Backward(tx.undo) {
				undo()
			}
		}
	}()
	if err := fn(context.WithValue(ctx, memTxKey{m}, tx)); err != nil {
		return err
	}
	committed = true
	return nil
}

var errDone = errors.New("scim: the context's transaction has ended")

// view runs fn while nobody writes.
func (m *MemoryStore) view(ctx context.Context, fn func()) error {
	if tx, ok := ctx.Value(memTxKey{m}).(*memTx); ok {
		if tx.done {
			return errDone
		}
		fn()
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	fn()
	return nil
}

// change runs fn in the transaction of ctx, or one of its own.
func (m *MemoryStore) change(ctx context.Context, fn func(tx *memTx) error) error {
	return m.InTx(ctx, func(ctx context.Context) error { return fn(ctx.Value(memTxKey{m}).(*memTx)) })
}

func (tx *memTx) onUndo(fn func()) { tx.undo = append(tx.undo, fn) }

func (m *MemoryStore) tenant(name string) *memTenant {
	t := m.tenants[name]
	if t == nil {
		t = &memTenant{tables: map[string]*memTable{}, memberOf: map[string]map[string]bool{}}
		m.tenants[name] = t
	}
	return t
}

func (t *memTenant) table(name string) *memTable {
	tab := t.tables[name]
	if tab == nil {
		tab = &memTable{byID: map[string]*record{}, index: map[string][]*record{}}
		t.tables[name] = tab
	}
	return tab
}

func (m *MemoryStore) lookup(tenant, kind, id string) *record {
	if t := m.tenants[tenant]; t != nil {
		if tab := t.tables[kind]; tab != nil {
			return tab.byID[id]
		}
	}
	return nil
}

// memory is the resources of one type.
type memory[R any, P interface {
	*R
	Resource
}] struct {
	*MemoryStore
	t *resourceType
}

var errNoTenant = errors.New("scim: the tenant is empty")

// keys are the index entries of a resource; the first n are unique.
func (t *resourceType) keys(o *object) (keys []string, unique int) {
	var rest []string
	for i := range t.schema.Attributes {
		a := &t.schema.Attributes[i]
		s, ok := o.get(a.Name).(string)
		if !ok {
			continue
		}
		switch {
		case a.Uniqueness != NotUnique:
			keys = append(keys, indexKey(a.Name, s, a.exact()))
		case a.Name == "displayName":
			rest = append(rest, indexKey(a.Name, s, a.exact()))
		}
	}
	for i := range t.extensions {
		e := &t.extensions[i].Schema
		ext, _ := o.get(e.ID).(*object)
		for j := range e.Attributes {
			if a := &e.Attributes[j]; a.Uniqueness != NotUnique && ext.get(a.Name) != nil {
				keys = append(keys, indexKey(e.ID+":"+a.Name, string(appendJSON(nil, ext.get(a.Name))), a.exact()))
			}
		}
	}
	unique = len(keys)
	if s := o.text("externalId"); s != "" {
		rest = append(rest, indexKey("externalId", s, true))
	}
	return append(keys, rest...), unique
}

func indexKey(path, value string, exact bool) string {
	if !exact {
		value = filter.Fold(value)
	}
	return path + "\x00" + value
}

func (m *memory[R, P]) Create(ctx context.Context, tenant string, r *R) (*R, error) {
	if tenant == "" {
		return nil, errNoTenant
	}
	o, members := m.split(r)
	kept := m.t.resource(o)
	doc := string(m.t.document(o, kept.Common()))
	var out *R
	err := m.change(ctx, func(tx *memTx) error {
		if m.count >= m.max {
			return ErrFull
		}
		t := m.tenant(tenant)
		tab := t.table(m.t.name)
		keys, unique := m.t.keys(o)
		for _, k := range keys[:unique] {
			if len(tab.index[k]) > 0 {
				return ErrConflict
			}
		}
		now := m.now().UTC().Truncate(time.Microsecond)
		rec := &record{id: newID(), seq: tab.seq, version: 1, created: now, modified: now, o: o, r: kept, doc: doc}
		tab.seq++
		m.count++
		tab.byID[rec.id] = rec
		tab.order = append(tab.order, rec)
		for _, k := range keys {
			tab.index[k] = append(tab.index[k], rec)
		}
		tx.onUndo(func() { m.remove(tab, rec) })
		for _, mem := range members {
			if err := m.addMember(tx, tenant, t, rec, mem); err != nil {
				return err
			}
		}
		out = m.load(tenant, rec, 0)
		return nil
	})
	return out, err
}

// split takes apart what is kept in the record and who is a member.
func (m *memory[R, P]) split(r *R) (*object, []Member) {
	o := m.t.object(P(r))
	for _, name := range []string{"id", "meta", "groups", "password"} {
		if name == "id" || name == "meta" || m.t.name == "User" {
			o.set(name, nil)
		}
	}
	if g, ok := any(r).(*Group); ok {
		o.set("members", nil)
		return o, g.Members
	}
	return o, nil
}

// remove takes a record out of a table; its memberships are the caller's.
func (m *memory[R, P]) remove(tab *memTable, rec *record) {
	delete(tab.byID, rec.id)
	if i, ok := slices.BinarySearchFunc(tab.order, rec.seq, func(r *record, seq int64) int { return int(r.seq - seq) }); ok {
		tab.order = slices.Delete(tab.order, i, i+1)
	}
	m.unindex(tab, rec)
	m.count--
}

func (m *memory[R, P]) unindex(tab *memTable, rec *record) {
	keys, _ := m.t.keys(rec.o)
	for _, k := range keys {
		list := slices.DeleteFunc(slices.Clone(tab.index[k]), func(r *record) bool { return r == rec })
		if len(list) == 0 {
			delete(tab.index, k)
		} else {
			tab.index[k] = list
		}
	}
}

func (m *memory[R, P]) addMember(tx *memTx, tenant string, t *memTenant, rec *record, mem Member) error {
	if _, ok := rec.members[mem.Value]; ok {
		return nil
	}
	switch {
	case m.lookup(tenant, "User", mem.Value) != nil:
		mem.Type = "User"
	case m.lookup(tenant, "Group", mem.Value) != nil:
		mem.Type = "Group"
	default:
		return badValue("members", "there is no resource "+strconv.Quote(clip(mem.Value)))
	}
	if rec.members == nil {
		rec.members = map[string]memMember{}
	}
	rec.memberSeq++
	rec.members[mem.Value] = memMember{Member{Value: mem.Value, Display: mem.Display, Type: mem.Type}, rec.memberSeq}
	of := t.memberOf[mem.Value]
	if of == nil {
		of = map[string]bool{}
		t.memberOf[mem.Value] = of
	}
	of[rec.id] = true
	tx.onUndo(func() { t.dropMember(rec, mem.Value) })
	return nil
}

func (t *memTenant) dropMember(rec *record, id string) {
	delete(rec.members, id)
	if delete(t.memberOf[id], rec.id); len(t.memberOf[id]) == 0 {
		delete(t.memberOf, id)
	}
}

func (t *memTenant) removeMember(tx *memTx, rec *record, id string) bool {
	old, ok := rec.members[id]
	if !ok {
		return false
	}
	t.dropMember(rec, id)
	tx.onUndo(func() {
		rec.members[id] = old
		if t.memberOf[id] == nil {
			t.memberOf[id] = map[string]bool{}
		}
		t.memberOf[id][rec.id] = true
	})
	return true
}

// full is the record as an object; the caller holds the lock.
func (m *memory[R, P]) full(tenant string, rec *record, omit Omit) *object {
	o := &object{fields: make([]field, 0, len(rec.o.fields)+3)}
	o.add("id", rec.id)
	o.fields = append(o.fields, rec.o.fields...)
	meta := &object{fields: []field{
		{"resourceType", m.t.name},
		{"created", formatTime(rec.created)},
		{"lastModified", formatTime(rec.modified)},
		{"version", strconv.FormatInt(rec.version, 10)},
	}}
	o.add("meta", meta)
	if list := rec.memberList(); len(list) > 0 && omit&OmitMembers == 0 {
		out := make([]any, len(list))
		for i, mem := range list {
			e := &object{fields: []field{{"value", mem.Value}}}
			if mem.Display != "" {
				e.add("display", mem.Display)
			}
			e.add("type", mem.Type)
			out[i] = e
		}
		o.add("members", out)
	}
	if m.t.name == "User" && omit&OmitGroups == 0 {
		var list []any
		for _, g := range m.memberships(tenant, rec.id) {
			list = append(list, obj("value", g.Value, "display", g.Display, "type", g.Type))
		}
		if list != nil {
			o.add("groups", list)
		}
	}
	return o
}

// memberships lists the groups that a resource is in, through groups too.
func (m *MemoryStore) memberships(tenant, id string) []Membership {
	t := m.tenants[tenant]
	if t == nil || len(t.memberOf[id]) == 0 {
		return nil
	}
	kind := map[string]string{}
	level := []string{id}
	for relation := "direct"; len(level) > 0; relation = "indirect" {
		var next []string
		for _, member := range level {
			for g := range t.memberOf[member] {
				if kind[g] == "" {
					kind[g] = relation
					next = append(next, g)
				}
			}
		}
		level = next
	}
	out := make([]Membership, 0, len(kind))
	for g, relation := range kind {
		if rec := m.lookup(tenant, "Group", g); rec != nil {
			out = append(out, Membership{Value: g, Display: rec.o.text("displayName"), Type: relation})
		}
	}
	slices.SortFunc(out, func(a, b Membership) int {
		return cmp.Or(strings.Compare(a.Display, b.Display), strings.Compare(a.Value, b.Value))
	})
	return out
}

func (m *memory[R, P]) load(tenant string, rec *record, omit Omit) *R {
	v := reflect.New(m.t.plan.goType)
	m.t.plan.copy(v.Elem(), reflect.ValueOf(rec.r).Elem())
	out := v.Interface().(P)
	m.head(tenant, rec, omit, out)
	return (*R)(out)
}

// head fills in what is not in the record's document.
func (m *memory[R, P]) head(tenant string, rec *record, omit Omit, out P) {
	base := out.Common()
	base.ID = rec.id
	base.Meta = Meta{ResourceType: m.t.name, Created: rec.created, LastModified: rec.modified, Version: strconv.FormatInt(rec.version, 10)}
	switch r := any(out).(type) {
	case *Group:
		if omit&OmitMembers == 0 {
			r.Members = rec.memberList()
		}
	case *User:
		if omit&OmitGroups == 0 {
			r.Groups = m.memberships(tenant, rec.id)
		}
	}
}

// Document returns a resource without what its document says.
func (m *memory[R, P]) Document(ctx context.Context, tenant, id string, omit Omit) (*R, string, error) {
	var out *R
	doc := ""
	err := m.view(ctx, func() {
		if rec := m.lookup(tenant, m.t.name, id); rec != nil {
			out, doc = new(R), rec.doc
			m.head(tenant, rec, omit, out)
		}
	})
	if err == nil && out == nil {
		err = ErrNotFound
	}
	return out, doc, err
}

// memberList lists the members in the order they came.
func (rec *record) memberList() []Member {
	if len(rec.members) == 0 {
		return nil
	}
	list := make([]memMember, 0, len(rec.members))
	for _, mem := range rec.members {
		list = append(list, mem)
	}
	slices.SortFunc(list, func(a, b memMember) int { return int(a.seq - b.seq) })
	out := make([]Member, len(list))
	for i := range list {
		out[i] = list[i].Member
	}
	return out
}

func (m *memory[R, P]) Get(ctx context.Context, tenant, id string, omit Omit) (*R, error) {
	var out *R
	err := m.view(ctx, func() {
		if rec := m.lookup(tenant, m.t.name, id); rec != nil {
			out = m.load(tenant, rec, omit)
		}
	})
	if err == nil && out == nil {
		err = ErrNotFound
	}
	return out, err
}

func (m *memory[R, P]) Replace(ctx context.Context, tenant string, r *R) (*R, error) {
	base := P(r).Common()
	o, members := m.split(r)
	kept := m.t.resource(o)
	_, isGroup := any(r).(*Group)
	var out *R
	err := m.change(ctx, func(tx *memTx) error {
		rec := m.lookup(tenant, m.t.name, base.ID)
		if rec == nil {
			return ErrNotFound
		}
		if strconv.FormatInt(rec.version, 10) != base.Meta.Version {
			return ErrVersion
		}
		t := m.tenant(tenant)
		tab := t.table(m.t.name)
		keys, unique := m.t.keys(o)
		for _, k := range keys[:unique] {
			if list := tab.index[k]; len(list) > 0 && list[0] != rec {
				return ErrConflict
			}
		}
		m.put(tx, tab, rec, o, kept, keys)
		if isGroup {
			keep := make(map[string]bool, len(members))
			for _, mem := range members {
				keep[mem.Value] = true
				if err := m.addMember(tx, tenant, t, rec, mem); err != nil {
					return err
				}
			}
			for id := range rec.members {
				if !keep[id] {
					t.removeMember(tx, rec, id)
				}
			}
		}
		out = m.load(tenant, rec, 0)
		return nil
	})
	return out, err
}

// put gives a record a new object, version and index entries.
func (m *memory[R, P]) put(tx *memTx, tab *memTable, rec *record, o *object, kept Resource, keys []string) {
	m.unindex(tab, rec)
	old, oldKept, oldDoc, version, modified := rec.o, rec.r, rec.doc, rec.version, rec.modified
	rec.o, rec.r, rec.doc = o, kept, string(m.t.document(o, kept.Common()))
	rec.version++
	rec.modified = m.now().UTC().Truncate(time.Microsecond)
	m.reindex(tab, rec, keys)
	tx.onUndo(func() {
		m.unindex(tab, rec)
		rec.o, rec.r, rec.doc, rec.version, rec.modified = old, oldKept, oldDoc, version, modified
		keys, _ := m.t.keys(old)
		m.reindex(tab, rec, keys)
	})
}

func (m *memory[R, P]) reindex(tab *memTable, rec *record, keys []string) {
	for _, k := range keys {
		tab.index[k] = append(slices.Clip(tab.index[k]), rec)
	}
}

func (m *memory[R, P]) Delete(ctx context.Context, tenant, id, version string) error {
	return m.change(ctx, func(tx *memTx) error {
		rec := m.lookup(tenant, m.t.name, id)
		if rec == nil {
			return ErrNotFound
		}
		if version != "" && version != strconv.FormatInt(rec.version, 10) {
			return ErrVersion
		}
		t := m.tenant(tenant)
		for member := range rec.members {
			t.removeMember(tx, rec, member)
		}
		for g := range t.memberOf[id] {
			if group := m.lookup(tenant, "Group", g); group != nil {
				t.removeMember(tx, group, id)
				m.touch(tx, group)
			}
		}
		tab := t.table(m.t.name)
		m.remove(tab, rec)
		tx.onUndo(func() {
			m.count++
			tab.byID[id] = rec
			i, _ := slices.BinarySearchFunc(tab.order, rec.seq, func(r *record, seq int64) int { return int(r.seq - seq) })
			tab.order = slices.Insert(tab.order, i, rec)
			keys, _ := m.t.keys(rec.o)
			m.reindex(tab, rec, keys)
		})
		return nil
	})
}

func (m *MemoryStore) touch(tx *memTx, rec *record) {
	version, modified := rec.version, rec.modified
	rec.version++
	rec.modified = m.now().UTC().Truncate(time.Microsecond)
	tx.onUndo(func() { rec.version, rec.modified = version, modified })
}

// ChangeMembers implements [MemberStore].
func (m *memory[R, P]) ChangeMembers(ctx context.Context, tenant, groupID, version string, add []Member, remove []string) (Meta, error) {
	var meta Meta
	err := m.change(ctx, func(tx *memTx) error {
		rec := m.lookup(tenant, "Group", groupID)
		if rec == nil {
			return ErrNotFound
		}
		if version != "" && version != strconv.FormatInt(rec.version, 10) {
			return ErrVersion
		}
		t := m.tenant(tenant)
		before := len(rec.members)
		for _, mem := range add {
			if err := m.addMember(tx, tenant, t, rec, mem); err != nil {
				return err
			}
		}
		changed := len(rec.members) != before
		for _, id := range remove {
			changed = t.removeMember(tx, rec, id) || changed
		}
		if changed {
			m.touch(tx, rec)
		}
		meta = Meta{ResourceType: "Group", Created: rec.created, LastModified: rec.modified, Version: strconv.FormatInt(rec.version, 10)}
		return nil
	})
	return meta, err
}
