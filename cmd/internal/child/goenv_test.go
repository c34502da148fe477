package child

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var goEnvTests = []struct {
	name string
	env  map[string]string
	want GoEnv
}{
	{"defaults of the installation", map[string]string{"GOENV": "off", "GOROOT": "root"}, GoEnv{GOPROXY: "https://proxy.golang.org,direct", GOSUMDB: "sum.golang.org", GOTOOLCHAIN: "auto", Version: "go1.26.8"}},
	{"go env -w beats them", map[string]string{"GOENV": "user.env", "GOROOT": "root"}, GoEnv{GOPROXY: "https://goproxy.cn", GOSUMDB: "sum.golang.org", GOPRIVATE: "corp.example", GOAUTH: "off", GOTOOLCHAIN: "auto", Version: "go1.26.8"}},
	{"the environment beats both", map[string]string{"GOENV": "user.env", "GOROOT": "root", "GOPROXY": "off", "GOSUMDB": "off", "GONOPROXY": "none"}, GoEnv{GOPROXY: "off", GOSUMDB: "off", GOPRIVATE: "corp.example", GONOPROXY: "none", GOAUTH: "off", GOTOOLCHAIN: "auto", Version: "go1.26.8"}},
	{"files that are not there", map[string]string{"GOENV": "nosuch", "GOROOT": "nosuch"}, GoEnv{}},
}

func TestReadGoEnv(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"root/go.env":  "# comment\n\nGOPROXY=https://proxy.golang.org,direct\nGOSUMDB=sum.golang.org\nGOTOOLCHAIN=auto\n",
		"root/VERSION": "go1.26.8\ntime 2026-08-28T16:20:06Z\n",
		"user.env":     "GOPROXY=https://goproxy.cn\nGOPRIVATE=corp.example\nGOAUTH=off\n",
	} {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	for _, tt := range goEnvTests {
		t.Run(tt.name, func(t *testing.T) {
			got := ReadGoEnv(func(k string) string { return tt.env[k] })
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
