package state

import (
	"bytes"
	"encoding/binary"
)

// blockSize is the octets beyond which a leaf is divided by the next two bits of the key. A change
// copies a block, and the garbage collector visits two objects for each: smaller blocks are cheaper
// to change and dearer to keep.
const blockSize = 1536

type tag = [16]byte

// itemHead is the octets of an item before its value.
const itemHead = len(tag{}) + 4

// tagDepth is where the bits of a key end.
const tagDepth = 4 * len(tag{})

// tagMap is a persistent map from keys that are evenly spread (random ids, keyed hashes, SHA-256) to
// octets. It is a trie of two bits a level; a leaf is one block of octets with its items in the order
// of their keys. So the garbage collector finds a few pointers for a dozen items and none in them,
// and an item costs 20 octets beside its value, and some room at the end of its block. In a
// general radix tree (go-immutable-radix) it was 415, with a dozen pointers.
//
// A copy of a tagMap is a snapshot of it. A change copies the nodes on the way to its key, once per
// edit: nodes that were made by the same edit are changed in place, because nobody else has seen
// them. Blocks never change, so a value that was returned stays as it is. The zero value is empty.
type tagMap struct {
	root *tagNode
	size int
}

// tagNode is a leaf when it has a block, else a branch.
type tagNode struct {
	edit  uint64
	kids  [4]*tagNode
	block block
}

// branchOf is the two bits of the key that choose a kid.
func branchOf(key *tag, depth int) int {
	return int(key[depth/4]>>(6-2*(depth%4))) & 3
}

// get returns the value under key, which must not be changed.
func (m tagMap) get(key tag) (value []byte, ok bool) {
	n := m.root
	for depth := 0; n != nil && n.block == nil; depth++ {
		n = n.kids[branchOf(&key, depth)]
	}
	if n == nil {
		return nil, false
	}
	p := n.block.find(&key)
	return n.block[p.value:p.end], p.found
}

// set stores a copy of v under key. edit must be larger than that of every earlier published change.
func (m *tagMap) set(edit uint64, key tag, v []byte) {
	root, added := m.root.with(edit, &key, v, 0)
	m.root = root
	if added {
		m.size++
	}
}

// delete removes key, if it is there.
func (m *tagMap) delete(edit uint64, key tag) {
	if _, ok := m.get(key); !ok {
		return
	}
	m.root = m.root.without(edit, &key, 0)
	m.size--
}

// walk calls fn for every item in the order of the keys until fn returns false.
func (m tagMap) walk(fn func(key tag, v []byte) bool) { m.root.walk(nil, 0, fn) }

// walkAfter is walk for the keys after the given one.
func (m tagMap) walkAfter(key tag, fn func(key tag, v []byte) bool) { m.root.walk(&key, 0, fn) }

// own returns n, or a copy of it that edit may change.
func (n *tagNode) own(edit uint64) *tagNode {
	if n.edit == edit {
		return n
	}
	c := *n
	c.edit = edit
	return &c
}

func (n *tagNode) with(edit uint64, key *tag, v []byte, depth int) (_ *tagNode, added bool) {
	if n == nil {
		return &tagNode{edit: edit, block: block(nil).with(place{}, key, v)}, true
	}
	n = n.own(edit)
	if n.block == nil {
		k := branchOf(key, depth)
		n.kids[k], added = n.kids[k].with(edit, key, v, depth+1)
		return n, added
	}
	p := n.block.find(key)
	n.block = n.block.with(p, key, v)
	if len(n.block) > blockSize && depth < tagDepth {
		n.divide(edit, depth)
	}
	return n, !p.found
}

// divide turns a leaf into a branch, unless it has one item only.
func (n *tagNode) divide(edit uint64, depth int) {
	b := n.block
	if _, end := b.bounds(0); end == len(b) {
		return
	}
	for i := 0; i < len(b); {
		k, j := branchOf(b.key(i), depth), i
		for j < len(b) && branchOf(b.key(j), depth) == k {
			_, j = b.bounds(j)
		}
		n.kids[k] = &tagNode{edit: edit, block: bytes.Clone(b[i:j])}
		i = j
	}
	n.block = nil
}

// without returns n without key, which is there; nil when nothing is left.
func (n *tagNode) without(edit uint64, key *tag, depth int) *tagNode {
	n = n.own(edit)
	if n.block != nil {
		if n.block = n.block.without(n.block.find(key)); n.block == nil {
			return nil
		}
		return n
	}
	k := branchOf(key, depth)
	n.kids[k] = n.kids[k].without(edit, key, depth+1)
	if n.kids == [4]*tagNode{} {
		return nil
	}
	return n
}

// walk leaves out the keys up to after, when it is set.
func (n *tagNode) walk(after *tag, depth int, fn func(key tag, v []byte) bool) bool {
	if n == nil {
		return true
	}
	if n.block != nil {
		return n.block.walk(after, fn)
	}
	first := 0
	if after != nil {
		first = branchOf(after, depth)
	}
	for _, kid := range n.kids[first:] {
		if !kid.walk(after, depth+1, fn) {
			return false
		}
		after = nil // it is in the first one
	}
	return true
}

// block is items in the order of their keys: key, length of the value in four octets, value. It never
// changes, and an empty one is nil. No value is as long as 4 GB: an entry of the log is not.
type block []byte

// place is where in a block an item is, or would be: then value and end are start.
type place struct {
	start, value, end int
	found             bool
}

func (b block) key(at int) *tag { return (*tag)(b[at:]) }

// bounds returns where the value of the item at this place begins and ends.
func (b block) bounds(at int) (value, end int) {
	value = at + itemHead
	return value, value + int(binary.BigEndian.Uint32(b[value-4:]))
}

func (b block) find(key *tag) place {
	for at := 0; at < len(b); {
		value, end := b.bounds(at)
		switch bytes.Compare(b.key(at)[:], key[:]) {
		case 0:
			return place{at, value, end, true}
		case 1:
			return place{at, at, at, false}
		}
		at = end
	}
	return place{len(b), len(b), len(b), false}
}

// with returns a block in which the item is at its place, of which b says whether it was there.
func (b block) with(p place, key *tag, v []byte) block {
	next := make(block, 0, p.start+itemHead+len(v)+len(b)-p.end)
	next = append(next, b[:p.start]...)
	next = append(next, key[:]...)
	next = binary.BigEndian.AppendUint32(next, uint32(len(v)))
	next = append(next, v...)
	return append(next, b[p.end:]...)
}

func (b block) without(p place) block {
	if p.end-p.start == len(b) {
		return nil
	}
	next := make(block, 0, len(b)-(p.end-p.start))
	next = append(next, b[:p.start]...)
	return append(next, b[p.end:]...)
}

func (b block) walk(after *tag, fn func(key tag, v []byte) bool) bool {
	for at := 0; at < len(b); {
		key := b.key(at)
		value, end := b.bounds(at)
		if (after == nil || bytes.Compare(key[:], after[:]) > 0) && !fn(*key, b[value:end]) {
			return false
		}
		at = end
	}
	return true
}
