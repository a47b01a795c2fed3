package state

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestTagMapIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m tagMap
		want := map[tag]string{}
		edit := uint64(1)
		// Few values in few octets, so that keys collide and leaves get deep.
		key := rapid.Custom(func(t *rapid.T) tag {
			var k tag
			k[0] = rapid.SampledFrom([]byte{0, 1, 0x10}).Draw(t, "first")
			k[15] = rapid.Byte().Draw(t, "last")
			return k
		})
		t.Repeat(map[string]func(*rapid.T){
			"set": func(t *rapid.T) {
				k, v := key.Draw(t, "key"), rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "value")
				m.set(edit, k, v)
				want[k] = string(v)
			},
			"set many": func(t *rapid.T) {
				for i := range 100 {
					k := tag{0: 1, 1: byte(i / 40), 14: byte(i)}
					v := bytes.Repeat([]byte{byte(i)}, i)
					m.set(edit, k, v)
					want[k] = string(v)
				}
			},
			"delete": func(t *rapid.T) {
				k := key.Draw(t, "key")
				m.delete(edit, k)
				delete(want, k)
			},
			"delete many": func(t *rapid.T) {
				for i := range 100 {
					k := tag{0: 1, 1: byte(i / 40), 14: byte(i)}
					m.delete(edit, k)
					delete(want, k)
				}
			},
			"a new edit leaves old roots alone": func(t *rapid.T) {
				old, before := m, items(m)
				edit++
				m.set(edit, key.Draw(t, "key"), []byte("new"))
				m.delete(edit, key.Draw(t, "other"))
				if !slices.Equal(items(old), before) {
					t.Fatalf("a published map has changed")
				}
				m = old // the edit is dropped
				edit++
			},
			"what was read stays": func(t *rapid.T) {
				k := key.Draw(t, "key")
				v, _ := m.get(k)
				before := string(v)
				other := key.Draw(t, "other")
				m.delete(edit, k)
				m.set(edit, other, []byte("other"))
				delete(want, k)
				want[other] = "other"
				if string(v) != before {
					t.Fatalf("%q has become %q", before, v)
				}
			},
			"walk on": func(t *rapid.T) {
				after := key.Draw(t, "after")
				var got []tagItem
				m.walkAfter(after, func(k tag, v []byte) bool {
					got = append(got, tagItem{k, string(v)})
					return true
				})
				all := items(m)
				first := slices.IndexFunc(all, func(it tagItem) bool { return bytes.Compare(it.key[:], after[:]) > 0 })
				if first < 0 {
					first = len(all)
				}
				if !slices.Equal(got, all[first:]) {
					t.Fatalf("%d items after %x, want %d", len(got), after, len(all)-first)
				}
			},
			"": func(t *rapid.T) {
				got := items(m)
				if m.size != len(want) || len(got) != len(want) {
					t.Fatalf("size %d with %d items, want %d", m.size, len(got), len(want))
				}
				if !slices.IsSortedFunc(got, func(a, b tagItem) int { return bytes.Compare(a.key[:], b.key[:]) }) {
					t.Fatal("not in order")
				}
				for _, it := range got {
					v, ok := m.get(it.key)
					if w, known := want[it.key]; !ok || !known || string(v) != w || w != it.value {
						t.Fatalf("%x is %q, want %q", it.key, v, w)
					}
				}
			},
		})
	})
}

type tagItem struct {
	key   tag
	value string
}

func items(m tagMap) []tagItem {
	var all []tagItem
	m.walk(func(k tag, v []byte) bool {
		all = append(all, tagItem{k, string(v)})
		return true
	})
	return all
}
