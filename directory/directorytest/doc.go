// Package directorytest holds the one suite that every directory must pass ([Run]), the people it
// asks for ([People]), and an LDAP server that runs inside the test ([StartServer]).
package directorytest
