package web_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestVendored holds the copied modules against vendor.json: each is as it was when it was
// copied, has a licence beside it, and is named there.
func TestVendored(t *testing.T) {
	dir := filepath.Join("static", "vendor")
	text, err := os.ReadFile(filepath.Join(dir, "vendor.json"))
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		Files []struct{ File, Package, Version, License, SHA256 string }
	}
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	var named []string
	for _, f := range list.Files {
		named = append(named, f.File)
		b, err := os.ReadFile(filepath.Join(dir, f.File))
		if err != nil {
			t.Error(err)
			continue
		}
		if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != f.SHA256 {
			t.Errorf("%s is not the %s %s that vendor.json names: %x", f.File, f.Package, f.Version, sum)
		}
		if fi, err := os.Stat(filepath.Join(dir, f.License)); err != nil || fi.Size() < 500 {
			t.Errorf("%s has no licence: %v", f.File, err)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.mjs"))
	if err != nil || len(files) == 0 {
		t.Fatalf("nothing is vendored: %v", err)
	}
	for _, f := range files {
		if !slices.Contains(named, filepath.Base(f)) {
			t.Errorf("vendor.json does not name %s", f)
		}
	}
}
