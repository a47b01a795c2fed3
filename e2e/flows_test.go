//go:build e2e

package e2e

import (
	"testing"

	"sallyport/e2e/servers"
)

// entranceNames are the ways in: by attributes, and by typing through pam_radius_auth and through
// ocserv with openconnect.
var entranceNames = []string{"ui", "pam", "ocserv"}

// party is who plays some flows: a person for each flow at each entrance, by the entrance's name.
type party struct {
	flows  []flow
	people map[string][]servers.Person
}

func newParty(flows []flow) party {
	p := party{flows, map[string][]servers.Person{}}
	for i, name := range entranceNames {
		p.people[name] = visitors(name, i, flows)
	}
	return p
}

func (p party) everybody() (all []servers.Person) {
	for _, name := range entranceNames {
		all = append(all, p.people[name]...)
	}
	return all
}

// entrances opens all of them.
func entrances(t *testing.T, w *world) map[string]entrance {
	t.Helper()
	all := map[string]entrance{"ui": bySteps}
	for name, open := range doors {
		all[name] = byTyping(open(t, 2, w.Radius), passwordPrompt[name], name == "ocserv")
	}
	return all
}

// TestFlows plays every flow at every entrance.
func TestFlows(t *testing.T) {
	t.Parallel()
	p := newParty(readFlows(t))
	w := startWorld(t, worldOptions{people: p.everybody()})
	for name, enter := range entrances(t, w) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i, f := range p.flows {
				t.Run(f.name, func(t *testing.T) {
					t.Parallel()
					w.visitor(t, p.people[name][i], f.rsa).play(f, enter)
				})
			}
		})
	}
}
