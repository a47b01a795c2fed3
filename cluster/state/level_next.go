//go:build nextlevel

package state

// Level is that of a release to come: one that knows no command more, for tests of upgrades.
const Level = released + 1
