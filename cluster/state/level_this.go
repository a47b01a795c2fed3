//go:build !nextlevel

package state

// Level is the feature level that this program knows. The cluster's own level ([View.Level]) is raised to
// it by a [RaiseLevel], once every member knows it; from then on programs that know less cannot read the
// state, and a command of the new level is understood by all. So there is no moment at which one node
// does what another ignores.
const Level = released
