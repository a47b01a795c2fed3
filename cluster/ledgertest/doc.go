// Package ledgertest is the one suite for every [login.Ledger]: what [cluster.Memory] passes, a
// [cluster.Node] on disk passes too. [Run] needs a constructor and sets the clock itself.
package ledgertest
