package state

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// allowedImports are the packages whose results depend on their arguments only. It is a list of
// what may be used, because there are many clocks and random sources.
var allowedImports = []string{
	"bufio", "bytes", "cmp", "crypto/sha256", "encoding/binary", "errors", "fmt", "hash", "io", "slices",
	"strings", "sync/atomic", "sallyport/login",
	"google.golang.org/protobuf/encoding/protowire",
}

// forbiddenStrings are functions of allowed packages that depend on tables of a Go version.
var forbiddenStrings = []string{"ToLower", "ToUpper", "ToTitle", "EqualFold", "Title"}

func TestNothingHereDependsOnTheNode(t *testing.T) {
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	parsed := 0
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		source, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, fault := range nondeterminism(t, f.Name(), source) {
			t.Error(fault)
		}
		parsed++
	}
	if parsed < 10 {
		t.Errorf("only %d files were parsed", parsed)
	}
}

func TestTheRulesBite(t *testing.T) {
	for name, source := range map[string]string{
		"clock":     `package p; import "time"; var t = time.Now()`,
		"random":    `package p; import "crypto/rand"; var t = rand.Text()`,
		"float":     `package p; var f float64`,
		"literal":   `package p; var f = 1.5`,
		"goroutine": `package p; func f() { go f() }`,
		"map":       `package p; func f() { m := map[string]int{}; for range m {} }`,
		"case":      `package p; import "strings"; var s = strings.ToLower("İ")`,
	} {
		if len(nondeterminism(t, name, []byte(source))) == 0 {
			t.Errorf("%s is not found", name)
		}
	}
}

// nondeterminism lists what a file may not do.
func nondeterminism(t *testing.T, name string, source []byte) []string {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, source, 0)
	if err != nil {
		t.Fatal(err)
	}
	var faults []string
	fault := func(n ast.Node, what string) {
		faults = append(faults, files.Position(n.Pos()).String()+": "+what)
	}
	for _, i := range file.Imports {
		path, _ := strconv.Unquote(i.Path.Value)
		if !slices.Contains(allowedImports, path) {
			fault(i, "imports "+path)
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			fault(n, "starts a goroutine")
		case *ast.BasicLit:
			if n.Kind == token.FLOAT {
				fault(n, "computes with floats")
			}
		case *ast.Ident:
			if n.Name == "float32" || n.Name == "float64" {
				fault(n, "computes with floats")
			}
		case *ast.SelectorExpr:
			if slices.Contains(forbiddenStrings, n.Sel.Name) {
				fault(n, "depends on Unicode tables")
			}
		case *ast.MapType:
			fault(n, "has a map, whose order is random")
		}
		return true
	})
	return faults
}
