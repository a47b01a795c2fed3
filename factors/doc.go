// Package factors holds the one list of second factors. Each factor is a folder of its own that
// knows only the words of package login; a new one is a new folder, a field of [Config] and an entry
// in [Config.Kinds].
package factors
