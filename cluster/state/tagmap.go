package state

import (
	"bytes"
	"slices"
)

// leafSize is how many items a leaf holds before it is divided by the next four bits of the key.
const leafSize = 32

type tag = [16]byte

// tagMap is a persistent map whose keys are evenly spread: random ids and keyed hashes. It is a
// trie of four bits a level with small sorted leaves. There is an entry for every verdict that is
// kept, and with 400,000 of them an entry costs 18 octets here beside what it holds; in a general
// radix tree (go-immutable-radix, which keeps the users) it was 415.
//
// A copy of a tagMap is a snapshot of it. A change copies the nodes on the way to its key, once per
// edit: nodes that were made by the same edit are changed in place, because nobody else has seen
// them. The zero value is empty.
type tagMap[V any] struct {
	root *tagNode[V]
	size int
}

// tagNode is a branch when kids is set, else a leaf.
type tagNode[V any] struct {
	edit  uint64
	kids  *[16]*tagNode[V]
	items []tagItem[V]
}

type tagItem[V any] struct {
	key   tag
	value V
}

func nibble(key tag, depth int) byte {
	b := key[depth/2]
	if depth%2 == 0 {
		return b >> 4
	}
	return b & 15
}

func (n *tagNode[V]) find(key tag) (int, bool) {
	return slices.BinarySearchFunc(n.items, key, func(it tagItem[V], k tag) int {
		return bytes.Compare(it.key[:], k[:])
	})
}

func (m tagMap[V]) get(key tag) (v V, ok bool) {
	n := m.root
	for depth := 0; n != nil && n.kids != nil; depth++ {
		n = n.kids[nibble(key, depth)]
	}
	if n == nil {
		return v, false
	}
	if i, ok := n.find(key); ok {
		return n.items[i].value, true
	}
	return v, false
}

// set stores v under key. edit must be larger than that of every earlier published change.
func (m *tagMap[V]) set(edit uint64, key tag, v V) {
	root, added := m.root.with(edit, key, v, 0)
	m.root = root
	if added {
		m.size++
	}
}

// delete removes key, if it is there.
func (m *tagMap[V]) delete(edit uint64, key tag) {
	if _, ok := m.get(key); !ok {
		return
	}
	m.root = m.root.without(edit, key, 0)
	m.size--
}

// walk calls fn for every item in the order of the keys until fn returns false.
func (m tagMap[V]) walk(fn func(key tag, v V) bool) {
	m.root.walk(fn)
}

// own returns n, or a copy of it that edit may change.
func (n *tagNode[V]) own(edit uint64) *tagNode[V] {
	if n.edit == edit {
		return n
	}
	c := &tagNode[V]{edit: edit}
	if n.kids != nil {
		kids := *n.kids
		c.kids = &kids
		return c
	}
	c.items = append(make([]tagItem[V], 0, len(n.items)+1), n.items...)
	return c
}

func (n *tagNode[V]) with(edit uint64, key tag, v V, depth int) (_ *tagNode[V], added bool) {
	if n == nil {
		return &tagNode[V]{edit: edit, items: []tagItem[V]{{key, v}}}, true
	}
	n = n.own(edit)
	if n.kids != nil {
		k := nibble(key, depth)
		n.kids[k], added = n.kids[k].with(edit, key, v, depth+1)
		return n, added
	}
	i, ok := n.find(key)
	if ok {
		n.items[i].value = v
		return n, false
	}
	n.items = slices.Insert(n.items, i, tagItem[V]{key, v})
	if len(n.items) > leafSize && depth < 2*len(key) {
		n.divide(edit, depth)
	}
	return n, true
}

// divide turns a leaf into a branch.
func (n *tagNode[V]) divide(edit uint64, depth int) {
	n.kids = new([16]*tagNode[V])
	for i := 0; i < len(n.items); {
		k, j := nibble(n.items[i].key, depth), i
		for j < len(n.items) && nibble(n.items[j].key, depth) == k {
			j++
		}
		n.kids[k] = &tagNode[V]{edit: edit, items: slices.Clone(n.items[i:j])}
		i = j
	}
	n.items = nil
}

// without returns n without key, which is there; nil when nothing is left.
func (n *tagNode[V]) without(edit uint64, key tag, depth int) *tagNode[V] {
	n = n.own(edit)
	if n.kids == nil {
		i, _ := n.find(key)
		n.items = slices.Delete(n.items, i, i+1)
		if len(n.items) == 0 {
			return nil
		}
		return n
	}
	k := nibble(key, depth)
	n.kids[k] = n.kids[k].without(edit, key, depth+1)
	for _, kid := range n.kids {
		if kid != nil {
			return n
		}
	}
	return nil
}

func (n *tagNode[V]) walk(fn func(key tag, v V) bool) bool {
	if n == nil {
		return true
	}
	if n.kids != nil {
		for _, kid := range n.kids {
			if !kid.walk(fn) {
				return false
			}
		}
		return true
	}
	for _, it := range n.items {
		if !fn(it.key, it.value) {
			return false
		}
	}
	return true
}
