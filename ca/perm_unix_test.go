//go:build unix

package ca

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var keyModeTests = []struct {
	mode fs.FileMode
	want string // what the error names; "" for none
}{
	{0o600, ""},
	{0o400, ""},
	{0o700, ""},
	{0o640, "mode 0640"},
	{0o644, "mode 0644"},
	{0o604, "mode 0604"},
	{0o620, "mode 0620"},
	{0o777, "mode 0777"},
}

func TestKeyMode(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "it's here")
	if _, err := LoadOrCreate(dir); err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(dir, KeyFile)
	for _, tt := range keyModeTests {
		if err := os.Chmod(key, tt.mode); err != nil {
			t.Fatal(err)
		}
		for call, load := range map[string]func(string) (*Authority, error){"Load": Load, "LoadOrCreate": LoadOrCreate} {
			_, err := load(dir)
			if tt.want == "" {
				if err != nil {
					t.Errorf("%s with mode %04o: %v", call, tt.mode, err)
				}
				continue
			}
			quoted := "'" + strings.ReplaceAll(key, "'", `'\''`) + "'"
			checkError(t, call, err, []string{key, tt.want, "chmod 600 " + quoted})
		}
	}
}

func TestShellQuote(t *testing.T) {
	for in, want := range map[string]string{
		"/home/me/.config/modtap/ca-key.pem": "/home/me/.config/modtap/ca-key.pem",
		"/a b":                               "'/a b'",
		"/it's":                              `'/it'\''s'`,
		"/$(reboot)":                         "'/$(reboot)'",
		"/ü":                                 "'/ü'",
	} {
		if got := shellQuote(in); got != want {
			t.Errorf("shellQuote(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestFolderThatCannotBeWritten(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root can write everywhere")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	_, err := LoadOrCreate(dir)
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), dir) {
		t.Errorf("LoadOrCreate: %v, want a permission error that names the folder", err)
	}
}

// Where the lock cannot be taken, the reason why the files are no good must not be lost.
func TestBrokenFilesInFolderThatCannotBeWritten(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root can write everywhere")
	}
	dir := t.TempDir()
	if _, err := LoadOrCreate(dir); err != nil {
		t.Fatal(err)
	}
	removeFile(t, dir, KeyFile)
	removeFile(t, dir, lockFile)
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(dir, 0o700) }) // or it cannot be removed
	_, err := Load(dir)
	checkError(t, "Load", err, []string{"has no ca-key.pem beside it"})
}
