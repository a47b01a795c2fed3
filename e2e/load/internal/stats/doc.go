// Package stats counts what became of logins and how long they took.
package stats
