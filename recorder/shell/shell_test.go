package shell

import (
	"os/exec"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestQuote(t *testing.T) {
	for _, tt := range []struct {
		shell      Shell
		word, want string
	}{
		{Sh, "/a/b-c_1.har", "/a/b-c_1.har"}, {Sh, `C:\a.har`, `'C:\a.har'`}, {Sh, "it's $x.har", `'it'\''s $x.har'`}, {Sh, "", "''"}, {Sh, "-a.har", "-a.har"},
		{Sh, "./...", "./..."}, {Sh, "a*b", "'a*b'"}, {Sh, "~/x", "'~/x'"}, {Sh, "m@v1.0.0", "m@v1.0.0"}, {Sh, "-go=1.17", "-go=1.17"},
		{Fish, "it's $x.har", `'it\'s $x.har'`}, {Fish, "x@1.har", "x@1.har"}, {Fish, `D:\x'`, `'D:\\x\''`},
		{PowerShell, `C:\a.har`, `C:\a.har`}, {PowerShell, "it's $x.har", "'it''s $x.har'"}, {PowerShell, "./O’Brien", "'./O’’Brien'"}, {PowerShell, "‘a‚b‛", "'‘‘a‚‚b‛‛'"},
		{PowerShell, "-coverprofile=c.out", "'-coverprofile=c.out'"}, {PowerShell, "-go=1.17", "'-go=1.17'"}, {PowerShell, "-x:y", "'-x:y'"},
		{PowerShell, "-ldflags=-s", "-ldflags=-s"}, {PowerShell, "--", "--"}, {PowerShell, "a,b", "'a,b'"}, {PowerShell, "m@v1.0.0", "'m@v1.0.0'"}, {PowerShell, "", "''"},
		{Cmd, `C:\a.har`, `C:\a.har`}, {Cmd, "it's $x.har", `"it's $x.har"`}, {Cmd, `D:\my files\`, `"D:\my files\\"`}, {Cmd, "O’Brien.har", `"O’Brien.har"`},
		{Cmd, `say "hi"`, `^"say \^"hi\^"^"`}, {Cmd, `a"&echo x`, `^"a\^"^&echo x^"`}, {Cmd, "a%PATH%", `^"a^%PATH^%^"`}, {Cmd, "%A:b=c%", `^"^%A^:b=c^%^"`}, {Cmd, "a\r\nb", `"a b"`}, {Cmd, "a|b", `"a|b"`}, {Cmd, "a,b", `"a,b"`}, {Cmd, "-go=1.17", "-go=1.17"},
	} {
		if got := tt.shell.Quote(tt.word); got != tt.want {
			t.Errorf("%s: %q is %s, want %s", tt.shell, tt.word, got, tt.want)
		}
	}
}

func TestParse(t *testing.T) {
	for name, want := range map[string]Shell{"sh": Sh, "zsh": Sh, "fish": Fish, "pwsh": PowerShell, "powershell": PowerShell, "cmd.exe": Cmd} {
		if got, err := Parse(name); got != want || err != nil {
			t.Errorf("%s is %q, %v", name, got, err)
		}
	}
	if _, err := Parse("tcsh"); err == nil {
		t.Error("it takes tcsh")
	}
}

// FuzzQuoteSh: what is quoted for sh is the word again in a real sh.
func FuzzQuoteSh(f *testing.F) {
	for _, s := range []string{"", "a b", "it's", "$(x)", "`x`", "a\\b", "*", "~", "-n", "a|b,c", "!x", "é", "\n"} {
		f.Add(s)
	}
	sh, err := exec.LookPath("sh")
	if err != nil {
		f.Skip("there is no sh")
	}
	f.Fuzz(func(t *testing.T, word string) {
		if strings.ContainsRune(word, 0) || !utf8.ValidString(word) {
			t.Skip()
		}
		out, err := exec.Command(sh, "-c", "printf %s "+Sh.Quote(word)+".").CombinedOutput()
		if err != nil || string(out) != word+"." {
			t.Errorf("%q became %q (%v)", word, out, err)
		}
	})
}
