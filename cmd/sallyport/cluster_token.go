package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"sallyport/web/admin"
)

func clusterTokenVerb() verb {
	return verb{
		name: "token", summary: "issue a token with which one node joins, once", usage: "NODE [--valid DURATION] [--non-voter] [--out FILE]",
		note: "The token stands on standard output alone. Whoever has it before the node does becomes that node and is\nhanded the master key: carry it as you would carry that.",
		examples: []string{
			"sallyport cluster token node2 | ssh node2 sallyport cluster join --token-file -",
			"sallyport cluster token branch7 --non-voter --valid 1h --out ./branch7.token",
		},
		exits: adminExits,
		flags: func(fs *pflag.FlagSet) {
			socketFlag(fs)
			fs.Duration("valid", admin.DefaultTokenLife, fmt.Sprintf("how long the token is good, at most %s", human(admin.MaxTokenLife)))
			fs.Bool("non-voter", false, "the node serves logins and never counts for the quorum")
			fs.String("out", "", "the `file` to write, which must not exist yet (default: standard output)")
		},
		run: issueToken,
	}
}

func issueToken(ctx context.Context, e env, fs *pflag.FlagSet, args []string) error {
	node, err := oneArg(args, "node")
	if err != nil {
		return err
	}
	valid, err := fs.GetDuration("valid")
	if err != nil {
		return err
	}
	if valid < time.Minute || valid > admin.MaxTokenLife {
		return usageErrorf("--valid is between 1m and %s", human(admin.MaxTokenLife))
	}
	r, err := adminCaller(e, fs).NewToken(ctx, admin.TokenAct{
		Node: node, ForSeconds: int64(valid / time.Second), NonVoter: isSet(fs, "non-voter"),
	})
	if err != nil {
		return adminError(err)
	}
	file := text(fs, "out")
	if file == "" {
		file = "-"
		_, err = fmt.Fprintln(e.stdout, r.Token)
	} else {
		err = writeNew(file, []byte(r.Token+"\n"))
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(e.stderr, "This token is good once, for %s, until %s. On %s, as root:\n    sallyport cluster join --token-file %s\n",
		printable(r.Node), r.Until.Local().Format(time.TimeOnly), printable(r.Node), shellWord(file))
	return nil
}
