package main

import (
	"context"
	"fmt"

	"github.com/spf13/pflag"

	"sallyport/cmd/sallyport/internal/near"
	"sallyport/web/admin"
)

func clusterRemoveVerb() verb {
	return verb{
		name: "remove", summary: "take a node out of the cluster for good", usage: "NODE [--force] [--yes]",
		note:     "A node that is only down for a while need not be removed. One that was removed comes back\nwith an empty data directory and a new token.",
		examples: []string{"sallyport cluster remove node3", "sallyport cluster remove node3 --yes"},
		exits:    adminExits,
		flags: func(fs *pflag.FlagSet) {
			socketFlag(fs)
			forceFlag(fs, "remove it also where one voter is left, which can lose no node")
			yesFlag(fs)
		},
		run: removeNode,
	}
}

func clusterTransferVerb() verb {
	return verb{
		name: "transfer", summary: "have another node lead", usage: "[NODE]",
		note:     "A leader that is stopped hands over by itself.",
		examples: []string{"sallyport cluster transfer", "sallyport cluster transfer node2"},
		exits:    adminExits,
		flags:    func(fs *pflag.FlagSet) { socketFlag(fs) },
		run:      transferLead,
	}
}

func removeNode(ctx context.Context, e env, fs *pflag.FlagSet, args []string) error {
	name, err := oneArg(args, "node")
	if err != nil {
		return err
	}
	caller := adminCaller(e, fs)
	m, err := caller.Members(ctx)
	if err != nil {
		return adminError(err)
	}
	node, ok := m.Find(name)
	if !ok {
		return unknownNode(m, name)
	}
	question := fmt.Sprintf("remove %s (%s, %s) for good; this leaves %s", printable(name), node.Role, upOrDown(node), leftWithout(m, name))
	if err := confirm(ctx, e, isSet(fs, "yes"), question); err != nil {
		return err
	}
	left, err := caller.RemoveNode(ctx, admin.RemoveNodeAct{Node: name, Force: isSet(fs, "force")})
	if err != nil {
		return adminError(err)
	}
	fmt.Fprintf(e.stdout, "%s: removed; %s\n", printable(name), standing(left))
	return nil
}

// leftWithout says what is left of the voters when a node goes.
func leftWithout(m admin.Members, name string) string {
	all, up := 0, 0
	for _, n := range m.Nodes {
		if n.Voter() && n.Name != name {
			all++
			if n.Up {
				up++
			}
		}
	}
	return fmt.Sprintf("%d of %d voters up, where %d are needed", up, all, all/2+1)
}

func unknownNode(m admin.Members, name string) error {
	var names []string
	for _, n := range m.Nodes {
		names = append(names, n.Name)
	}
	if meant, ok := near.Word(name, names); ok {
		return fmt.Errorf("no node is named %q (did you mean %q?)", name, meant)
	}
	return fmt.Errorf(`no node is named %q ("sallyport cluster list" shows them)`, name)
}

func transferLead(ctx context.Context, e env, fs *pflag.FlagSet, args []string) error {
	var to string
	if len(args) > 0 {
		var err error
		if to, err = oneArg(args, "node"); err != nil {
			return err
		}
	}
	m, err := adminCaller(e, fs).Transfer(ctx, admin.TransferAct{Node: to})
	if err != nil {
		return adminError(err)
	}
	leader := m.Leader
	if leader == "" { // the node that was asked has not heard yet
		leader = to
	}
	if leader == "" {
		leader = "another node"
	}
	fmt.Fprintf(e.stdout, "%s leads\n", printable(leader))
	return nil
}
