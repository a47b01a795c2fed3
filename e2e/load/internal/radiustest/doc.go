// Package radiustest is a RADIUS server for the load tool's tests. It reads and writes its packets by
// layeh.com/radius, so that the tool's own codec is held against another.
package radiustest
