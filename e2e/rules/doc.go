// Package rules holds the rules of the source tree, as tests: who may import whom, where an Accept
// may come from, and what the documents must list.
package rules
