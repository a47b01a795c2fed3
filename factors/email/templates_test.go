package email_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sallyport/factors/email"
)

// folder writes template files.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestSiteReplacesTemplates(t *testing.T) {
	dir := folder(t, map[string]string{".swp": "", "code.en.txt": "Corp says {{.Code}} to {{.User}} ({{.Trace}})\n", "code.en.subject": "Corp\n  code\n"})
	got := exchange(t, email.Config{Templates: dir}, func(f *email.Factor, ctx context.Context) (string, error) {
		return f.Send(ctx, message(t, f))
	})
	bodies := parts(t, got.raw)
	if text := strings.TrimSpace(bodies["text/plain"]); text != "Corp says 492817 to alice (f00d)" {
		t.Errorf("text %q", text)
	}
	if !strings.Contains(bodies["text/html"], "This is your code") {
		t.Errorf("the HTML, which was not replaced:\n%s", bodies["text/html"])
	}
	if subject := header(t, got.raw).Get("Subject"); subject != "Corp code" {
		t.Errorf("subject %q", subject)
	}
}

func TestSiteAddsALanguage(t *testing.T) {
	files := map[string]string{}
	for _, page := range []string{"code", "notice"} {
		files[page+".pt-BR.subject"], files[page+".pt-BR.txt"], files[page+".pt-BR.html"] = "Olá", "Olá", "<p>Olá</p>"
	}
	files["code.pt-BR.txt"], files["code.pt-BR.html"] = "Olá {{.Code}}", "<p>Olá {{.Code}}</p>"
	got := exchange(t, email.Config{Templates: folder(t, files), Language: "pt-BR"}, func(f *email.Factor, ctx context.Context) (string, error) {
		return f.Send(ctx, message(t, f))
	})
	if text := parts(t, got.raw)["text/plain"]; text != "Olá 492817" {
		t.Errorf("text %q", text)
	}
}

func TestFaultyTemplatesStopTheStart(t *testing.T) {
	for name, c := range map[string]struct {
		file, text string
		want       []string
	}{
		"does not parse":            {"code.en.txt", "a\nb {{.Code\n", []string{"code.en.txt:2"}},
		"HTML does not parse":       {"code.en.html", "{{.Code}}{{if}}", []string{"code.en.html:1"}},
		"HTML that cannot be safe":  {"code.en.html", "<script>{{.Code}}", []string{"code.en.html"}},
		"unknown value":             {"code.en.txt", "{{.Code}}\n\n{{.Password}}", []string{"code.en.txt:3", "Password"}},
		"unknown value of a notice": {"notice.en.html", "{{if .By}}\n{{.Code}}{{end}}", []string{"notice.en.html:2", "Code"}},
		"code in the subject":       {"code.en.subject", "Your code:\n{{.Code}}", []string{"code.en.subject:2", "a subject knows .Brand"}},
		"user in the subject":       {"notice.en.subject", "Hello {{.User}}", []string{"notice.en.subject:1", "a subject knows .Brand"}},
		"a function":                {"code.en.txt", "{{env \"HOME\"}}{{.Code}}", []string{"code.en.txt:1", "env"}},
		"no code":                   {"code.ar.html", "<p>hello</p>", []string{"code.ar.html", "{{.Code}}"}},
		"empty subject":             {"code.ur.subject", "\n", []string{"code.ur.subject", "empty"}},
		"empty subject of a notice": {"notice.ur.subject", `{{if eq .Kind "bypass"}}x{{end}}`, []string{"notice.ur.subject", "empty"}},
		"unknown name":              {"codes.en.txt", "{{.Code}}", []string{"codes.en.txt", "PAGE.LANGUAGE.PART"}},
		"unknown language":          {"code.e.txt", "{{.Code}}", []string{"code.e.txt", "PAGE.LANGUAGE.PART"}},
		"half a language":           {"code.fr.txt", "{{.Code}}", []string{"code.fr.subject is missing"}},
		"too large":                 {"code.en.txt", "{{.Code}}" + strings.Repeat("x", 64<<10), []string{"code.en.txt", "larger than"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, map[string]string{c.file: c.text})
			_, err := email.New(complete(email.Config{Templates: dir}), email.Deps{Logger: slog.New(slog.DiscardHandler), Now: time.Now})
			if err == nil {
				t.Fatal("accepted")
			}
			for _, want := range append(c.want, "templates: ") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %q, want %q in it", err, want)
				}
			}
		})
	}
}

func TestMissingFolderStopsTheStart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "nowhere")
	_, err := email.New(complete(email.Config{Templates: dir}), email.Deps{Logger: slog.New(slog.DiscardHandler), Now: time.Now})
	if err == nil || err.Error() != "templates: "+dir+": no such file or directory" {
		t.Errorf("got %v", err)
	}
}

func TestLanguageWithoutTemplatesStopsTheStart(t *testing.T) {
	_, err := email.New(complete(email.Config{Language: "fr"}), email.Deps{Logger: slog.New(slog.DiscardHandler), Now: time.Now})
	if err == nil || !strings.Contains(err.Error(), `language: there are no templates in "fr", only in ar, en, ur`) {
		t.Errorf("got %v", err)
	}
}
