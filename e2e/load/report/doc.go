// Package report is what the load tool says of a run: one line of JSON for programs, a table for
// people.
package report
