package config

import (
	"path/filepath"
	"reflect"
)

// AdminSocket returns the socket in the [admin] table of a configuration, and "" where that says
// nothing, is wrong, or cannot be read. The rest is not looked at: who may use the socket need not be
// able to read the secrets.
func AdminSocket(file string) string {
	sources, err := readFiles(file)
	if err != nil {
		return ""
	}
	folder, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return ""
	}
	root, faults := treeOf(sources)
	tables, _ := root.value.(map[string]*node)
	if len(faults) > 0 || tables["admin"] == nil {
		return ""
	}
	var table Admin
	d := decoder{places: map[string]place{}, files: files{folder: folder}}
	d.value("admin", tables["admin"], reflect.ValueOf(&table).Elem())
	if len(d.faults) > 0 {
		return ""
	}
	return table.Socket
}
