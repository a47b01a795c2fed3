package rules

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sallyport/login"
)

const root = "../.."

// source is one Go file that is not a test.
type source struct {
	path string // from the top, with slashes
	file *ast.File
}

func (s source) dir() string { return filepath.ToSlash(filepath.Dir(s.path)) }

func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	fset := token.NewFileSet()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && path != root) {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution|parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		all = append(all, source{filepath.ToSlash(rel), f})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 20 {
		t.Fatalf("found only %d files", len(all))
	}
	return all
}

// allowed says which of our packages a room may import: rooms do not know one another, and all
// arrows end in login.
func allowed(dir, imported string) bool {
	room, _, _ := strings.Cut(dir, "/")
	target, _, _ := strings.Cut(imported, "/")
	switch room {
	case "cmd", "e2e":
		return true
	case "login":
		return false
	default:
		return target == "login" || target == room && !sibling(room, dir, imported)
	}
}

// sibling reports whether one factor imports another. What they share is in factors/internal.
func sibling(room, dir, imported string) bool {
	return room == "factors" && dir != room && imported != dir && !strings.HasPrefix(imported, "factors/internal/")
}

func TestArrowsPointInward(t *testing.T) {
	for _, s := range sources(t) {
		for _, imp := range s.file.Imports {
			path, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if ours, ok := strings.CutPrefix(path, "sallyport/"); ok && !allowed(s.dir(), ours) {
				t.Errorf("%s imports %s", s.path, path)
			}
			if strings.HasPrefix(s.path, "login/") && strings.Contains(path, ".") && !strings.HasPrefix(path, "golang.org/x/") {
				t.Errorf("%s imports %s: login knows the standard library and golang.org/x only", s.path, path)
			}
			if strings.HasPrefix(s.path, "audit/") && strings.Contains(path, ".") {
				t.Errorf("%s imports %s: audit knows the standard library and login only", s.path, path)
			}
		}
	}
}

// An Accept may be produced in one function only. Other code may compare with it, the client side of
// package radius reads it from an authentic reply of another server, and the stand-in for such a server
// gives it.
func TestAcceptHasOneExit(t *testing.T) {
	allowed := []string{"login accept", "radius decode", "radius/rsatest accept"}
	var found []string
	for _, s := range sources(t) {
		if strings.HasPrefix(s.path, "e2e/") {
			continue
		}
		for _, decl := range s.file.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(fn, func(n ast.Node) bool {
				if made(n) {
					found = append(found, s.dir()+" "+fn.Name.Name)
				}
				return true
			})
		}
	}
	slices.Sort(found)
	if !slices.Equal(found, allowed) {
		t.Errorf("an Accept is produced in %v, want %v", found, allowed)
	}
}

// made reports whether n gives the verdict Accept to something: Verdict: Accept, or x.Verdict = Accept.
func made(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.KeyValueExpr:
		key, ok := n.Key.(*ast.Ident)
		return ok && key.Name == "Verdict" && isAccept(n.Value)
	case *ast.AssignStmt:
		for _, v := range n.Rhs {
			if isAccept(v) {
				return true
			}
		}
	case *ast.ReturnStmt:
		for _, v := range n.Results {
			if isAccept(v) {
				return true
			}
		}
	}
	return false
}

func isAccept(e ast.Expr) bool {
	if sel, ok := e.(*ast.SelectorExpr); ok {
		pkg, ok := sel.X.(*ast.Ident)
		return ok && pkg.Name == "login" && sel.Sel.Name == "Accept"
	}
	id, ok := e.(*ast.Ident)
	return ok && id.Name == "Accept"
}

func TestEveryRoomSaysWhatItOwns(t *testing.T) {
	documented := make(map[string]bool)
	for _, s := range sources(t) {
		documented[s.dir()] = documented[s.dir()] || s.file.Doc != nil
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("%s has no package comment", dir)
		}
	}
}

func TestEveryVerdictCodeIsDocumented(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, "docs", "verdict-codes.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range login.Codes() {
		if !strings.Contains(string(page), "`"+string(c)+"`") {
			t.Errorf("docs/verdict-codes.md does not explain %s", c)
		}
	}
}
