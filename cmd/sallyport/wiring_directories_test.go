package main

import (
	"encoding/pem"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sallyport/directory"
	"sallyport/directory/ldap"
)

func TestDirectoryIsKeptUntilItsTableOrFilesChange(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ca.pem")
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	write := func(text []byte) {
		t.Helper()
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var kept *openDirectory
	next := func(table directory.Config) *openDirectory {
		t.Helper()
		o, err := openOrKeep(kept, "corp", table, slog.New(slog.DiscardHandler), time.Now)
		if err != nil {
			t.Fatal(err)
		}
		if o != kept {
			t.Cleanup(func() {
				if err := o.close(); err != nil {
					t.Error(err)
				}
			})
		}
		return o
	}
	table := directory.Config{Type: "ldap", Config: ldap.Config{
		URLs: []string{"ldaps://127.0.0.1:1"}, CAFile: file, BaseDN: "dc=test", BindDN: "cn=test", BindPassword: "secret",
	}}

	write(certificate)
	kept = next(table)
	if next(table) != kept {
		t.Error("opened again though nothing changed")
	}
	write(append(certificate, "# renewed\n"...))
	renewed := next(table)
	if renewed == kept {
		t.Error("kept, though its ca_file changed")
	}
	kept = renewed
	table.ServerName = "dc1.test"
	if next(table) == kept {
		t.Error("kept, though its table changed")
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if _, err := openOrKeep(kept, "corp", table, slog.New(slog.DiscardHandler), time.Now); err == nil {
		t.Error("a ca_file that is gone is no fault")
	}
}
