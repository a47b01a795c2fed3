// Package faults lets tests of whole programs disturb a node from outside. It does something only in
// programs that were built with the tag faults; others refuse to start when they are asked for it.
//
//	SALLYPORT_TEST_CLOCK_OFFSET  a duration by which the clock is wrong, or @FILE that holds one
//	SALLYPORT_TEST_STALL         a file: while it exists, writes to the log store do not end
//	SALLYPORT_TEST_FAIL          a file: while it exists, writes to the log store end with EIO
//	SALLYPORT_TEST_BROKEN        "local": a code is judged by the node's own replica, and committed
//	                             later; the fault that the tests must find
//	SALLYPORT_TEST_SNAPSHOTS     a file: while it exists, one snapshot follows another; else there is none
//	SALLYPORT_TEST_PROMOTE_AFTER a duration: how long a new node must be well before it votes
package faults

// prefix is what the names of the environment variables begin with.
const prefix = "SALLYPORT_TEST_"
