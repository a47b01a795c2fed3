// Package people knows whom the load tool logs in: a range of numbered users with their passwords
// and TOTP keys, and which time steps each of them has used, so that no code is ever sent twice.
package people
