package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"sallyport/radius"
	"sallyport/web/admin"
)

// demoCluster is the demo with several nodes. Each is the daemon in a process of its own; what is around
// them (mailbox, phone, token) is in this one, which outlives them.
type demoCluster struct {
	board  *board
	errors io.Writer
	world  *demoWorld
	log    logs
	// loud passes on all that the nodes log.
	loud    bool
	program string

	nodes   []*demoNode
	history *chronicle
	pids    *pidBook
}

// pidBook knows which process a node has now.
type pidBook struct {
	mu   sync.Mutex
	pids map[string]int
}

func (p *pidBook) note(node string, pid int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pids[node] = pid
}

// of returns the process of a node.
func (p *pidBook) of(node string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pids[node]
}

// run forms the cluster, logs somebody in, says what to try, and watches the nodes until ctx ends.
func (c demoCluster) run(ctx context.Context, count int, o demoOptions) (err error) {
	o.level = "info" // the nodes' logs tell who leads
	if c.nodes, err = makeDemoNodes(count, o); err != nil {
		return err
	}
	c.history = newChronicle(c.board, time.Now)
	c.pids = &pidBook{pids: map[string]int{}}
	serving, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	formed := make(chan struct{})
	failed := make(chan error, count)
	begin := func(n *demoNode) { running.Go(func() { c.keep(serving, n, formed, failed) }) }

	forming, cancel := context.WithTimeoutCause(ctx, startWithin, errors.New("the cluster was not formed in time"))
	defer cancel()
	formation := make(chan error, 1)
	go func() { formation <- c.form(forming, begin) }()
	select {
	case err = <-failed:
		cancel()
		<-formation
	case err = <-formation:
	}
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return err
	}
	close(formed)
	return c.demonstrate(ctx)
}

// form makes the cluster as an administrator does, and returns when all nodes count for the quorum.
func (c demoCluster) form(ctx context.Context, begin func(*demoNode)) error {
	if err := c.prepare(ctx); err != nil {
		return err
	}
	first := c.nodes[0]
	fmt.Fprintf(c.board, "Forming a cluster of %d nodes:\n\n    node1$ sallyport cluster init\n", len(c.nodes))
	if _, err := c.ask(ctx, "", "cluster", "init", "--config", first.config); err != nil {
		return err
	}
	begin(first)
	if err := c.await(ctx, first, func(m admin.Members) bool { return m.Leader != "" }); err != nil {
		return err
	}
	for _, n := range c.nodes[1:] {
		fmt.Fprintf(c.board, "    node1$ sallyport cluster token %s\n    %s$ sallyport cluster join --token-file -\n", n.node, n.node)
		token, err := c.ask(ctx, "", "cluster", "token", n.node, "--socket", first.socket())
		if err != nil {
			return err
		}
		if _, err := c.ask(ctx, token, "cluster", "join", "--token-file", "-", "--config", n.config); err != nil {
			return err
		}
		begin(n)
	}
	fmt.Fprint(c.board, "\nA new node counts for the quorum when it has caught up and was well for ten seconds: please wait.\n\n")
	return c.await(ctx, first, func(m admin.Members) bool {
		all, up := voters(m)
		return m.Healthy && all == len(c.nodes) && up == all
	})
}

// prepare writes the configurations, and registers those who are registered from the start while the
// first node is still alone: who forms a cluster keeps the people of a node that was.
func (c demoCluster) prepare(ctx context.Context) error {
	alone := c.nodes[0].demoOptions
	alone.cluster, alone.listen, alone.status = "", "127.0.0.1:0", ""
	cfg, err := demoConfig(alone, c.world)
	if err != nil {
		return err
	}
	users, err := demoUsers()
	if err != nil {
		return err
	}
	for _, n := range c.nodes {
		if err := os.WriteFile(n.config, []byte(demoText(n.demoOptions, c.world, users)), 0o600); err != nil {
			return err
		}
	}
	d, err := start(ctx, cfg, c.log)
	if err != nil {
		return err
	}
	return errors.Join(d.registerDemoPeople(ctx), d.stop())
}

// await asks a node until the members are as wanted.
func (c demoCluster) await(ctx context.Context, n *demoNode, wanted func(admin.Members) bool) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	caller := n.caller()
	for {
		m, err := caller.Members(ctx)
		if err == nil && wanted(m) {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		}
	}
}

// demonstrate logs the first person in, says what to try, and tells what becomes of the nodes.
func (c demoCluster) demonstrate(ctx context.Context) error {
	var names []string
	for _, n := range c.nodes {
		names = append(names, n.listen)
	}
	fmt.Fprintf(c.board, "Sallyport %s, a demo of %d nodes (shared secret %s)\n\n"+
		"One complete login, over UDP, as a VPN does it for %s:\n\n", programVersion(), len(c.nodes), demoSecret, demoUser)
	asked, err := dialServers(names, radius.CallerConfig{Secret: demoSecret}, c.board)
	if err != nil {
		return err
	}
	accepted, err := runDialogue(ctx, &indented{w: c.board}, demoDialogue(asked.exchange, time.Now, func(ctx context.Context) (string, error) {
		return demoCodeAfter(ctx, 0, time.Now)
	}))
	err = errors.Join(err, asked.close())
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil:
		return fmt.Errorf("the demo's own login: %w", err)
	case !accepted:
		return errors.New("the demo's own login was rejected")
	}
	advice, err := c.advice(c.history.begin())
	if err != nil {
		return err
	}
	fmt.Fprint(c.board, advice)
	<-ctx.Done()
	fmt.Fprintln(c.board, "\nThe demo has ended.")
	return nil
}

// advice says what a person can try while the nodes run; leader is the one to kill.
func (c demoCluster) advice(leader string) (string, error) {
	var table strings.Builder
	rows := [][]string{{"NODE", "RADIUS", "STATUS", "CLUSTER", "PROCESS", "ROLE"}}
	var servers []string
	for _, n := range c.nodes {
		role := "follows"
		if n.node == leader {
			role = "leads"
		}
		rows = append(rows, []string{n.node, n.listen, "http://" + n.status, n.cluster, fmt.Sprint(c.pids.of(n.node)), role})
		servers = append(servers, "--server "+n.listen)
	}
	if err := printTable(&indented{w: &table}, rows...); err != nil {
		return "", err
	}
	var people strings.Builder
	if err := printDemoPeople(&people); err != nil {
		return "", err
	}
	// Whoever follows the advice begins at the node that is about to die.
	at := slices.IndexFunc(c.nodes, func(n *demoNode) bool { return n.node == leader })
	if at > 0 {
		servers = append(servers[at:], servers[:at]...)
	}
	return fmt.Sprintf(demoClusterAdvice, people.String(), table.String(), shellWord(c.program), strings.Join(servers, " "),
		demoUser, demoPassword, demoKey, leader, c.pids.of(leader), shellWord(c.nodes[0].socket()), int(comeBackAfter.Seconds())), nil
}

// demoClusterAdvice is what to try; its verbs are those of [demoCluster.advice].
const demoClusterAdvice = `
The people of the demo:

%[1]s
The nodes:

%[2]s
Try it, in another terminal:

  1. Log in, with all nodes as RADIUS servers, as a VPN has them.

    %[3]s login %[4]s %[5]s

     The password is %[6]s; codes are computed by "oathtool --totp --base32 %[7]s".

  2. Do so again (as bob, say), and when the code is asked for, kill the leader, which asked:

    kill -9 %[9]d

     Then type the code. Another node takes it, and what happened appears here: who died, who leads,
     how long it took. After %[11]d seconds the demo starts %[8]s again.

  3. As an administrator, at any node:

    %[3]s cluster list --socket %[10]s
    %[3]s status --socket %[10]s

The demo runs until it is interrupted (Ctrl-C). Mails, text messages and what the tokens show appear here.
`
