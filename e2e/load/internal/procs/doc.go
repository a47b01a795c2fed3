// Package procs reads what processes take of the machine, from /proc (proc(5)).
package procs
