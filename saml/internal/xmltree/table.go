// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package xmltree

// table numbers strings in the order in which they come. Documents have few
// prefixes, namespaces and IDs, so it searches; with many it has an index.
type table struct {
	list  []string
	index map[string]int32
}

const searched = 12

func (t *table) find(s string) (int32, bool) {
	if t.index != nil {
		i, ok := t.index[s]
		return i, ok
	}
	for i, have := range t.list {
		if have == s {
			return int32(i), true
		}
	}
	return 0, false
}

// add appends a string that is not in the table.
func (t *table) add(s string) int32 {
	i := int32(len(t.list))
	t.list = append(t.list, s)
	switch {
	case t.index != nil:
		t.index[s] = i
	case len(t.list) > searched:
		t.index = make(map[string]int32, 4*searched)
		for i, have := range t.list {
			t.index[have] = int32(i)
		}
	}
	return i
}
