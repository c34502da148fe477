package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"modtap/intercept/origintest"
)

// labGitFaults live where the go command leaves the module proxy: git, other version
// control, toolchains, helpers. Repositories have URLs without a port, so a CONNECT proxy
// leads every name to the origin.
var labGitFaults = []scenario{
	{
		id: "private-module-leak", requires: []string{}, nosum: true, args: get("git.golang.test/mod@v1.1.0"),
		config: (*labRun).withGit, setup: (*labRun).behindTunnel, env: []string{"GOPROXY=${P},direct", "GONOSUMDB=git.golang.test"},
		knobs:  []string{"host=proxy.golang.test status=404 first-byte=1200ms"},
		remedy: []string{"GOPRIVATE=git.golang.test"},
	},
	{
		id: "direct-fallback", requires: []string{}, nosum: true, args: download("github.com/acme/widget@v1.0.0"),
		config: (*labRun).withGit, setup: (*labRun).behindTunnel, env: []string{"GOPROXY=${P},direct", "GONOSUMDB=github.com"},
		knobs: []string{"host=github.com first-byte=800ms"},
	},
	{
		id: "git-clone", requires: []string{}, nosum: true, args: download("git.golang.test/big@main"),
		config: (*labRun).withGit, setup: (*labRun).behindTunnel, env: []string{"GOPROXY=direct", "GONOSUMDB=*.golang.test"},
		fault:      func(*labRun) {}, // it is in withGit: main has a long past
		remedyArgs: download("git.golang.test/big@v1.0.0"),
	},
	{
		id: "ssh-remote", requires: []string{}, nosum: true, args: download("vanity.golang.test/lib@v1.0.0"),
		config: (*labRun).withGit, env: []string{"GOPROXY=direct", "GONOSUMDB=*.golang.test"},
		setup: func(r *labRun) {
			r.behindTunnel()
			pause := "0.01"
			if r.active() {
				pause = "6.5" // of which the report takes a second for the usual
			}
			writeFile(r.t, filepath.Join(r.home, ".gitconfig"), "[url \"ssh://git@ssh.golang.test/\"]\n\tinsteadOf = https://git.golang.test/\n")
			r.add("GIT_SSH_COMMAND=" + fakeSSH(r.t, r.repos, pause))
		},
		remedyFunc: func(r *labRun) { writeFile(r.t, filepath.Join(r.home, ".gitconfig"), "") },
	},
	{
		id: "sumdb-private", fails: true, requires: []string{}, nosum: true, args: get("git.golang.test/mod@v1.1.0"),
		config: (*labRun).withGit, setup: (*labRun).behindTunnel, env: []string{"GOPROXY=${P},direct"},
		faultEnv: []string{"GONOPROXY=git.golang.test"}, remedy: []string{"GOPRIVATE=git.golang.test"},
	},
	{
		id: "govcs", fails: true, requires: []string{}, nosum: true, args: get("old.golang.test/lib@v1.0.0"),
		setup: (*labRun).behindTunnel, env: []string{"GOPROXY=direct", "GONOSUMDB=*.golang.test"},
		config: func(r *labRun, _ *origintest.Config) {
			r.meta = `<meta name="go-import" content="old.golang.test/lib svn https://old.golang.test/svn/lib">`
		},
		knobs: []string{"host=old.golang.test status=200 body=${META}"},
	},
	{
		id: "slow-goauth", nosum: true,
		faultEnv: []string{"GOAUTH=${DIR}/helper"},
		setup:    func(r *labRun) { writeScript(r, "helper", "sleep 3\n") },
		remedy:   []string{"GOAUTH=off"},
	},
	{
		id: "toolchain-download", config: (*labRun).withToolchain, setup: (*labRun).wantToolchain, faultEnv: []string{"GOTOOLCHAIN=auto"},
		knobs: []string{"suffix=.zip host=proxy.golang.test rate=4000000"}, nosum: true, remedy: []string{"GOTOOLCHAIN=local"},
	},
}

// behindTunnel leads the run's connections through a CONNECT proxy that asks for nothing.
func (r *labRun) behindTunnel() {
	all := func(string) string { return r.origin.Addr() }
	p, err := origintest.NewConnectProxy(origintest.ProxyConfig{Route: all})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(p.Close)
	r.env = append(r.env, p.Env()...)
	r.env = append(r.env, "GIT_SSL_CAINFO="+last(r.env, "SSL_CERT_FILE"))
}

// writeScript writes a program into the project's folder.
func writeScript(r *labRun, name, script string) {
	file := filepath.Join(r.dir, name)
	writeFile(r.t, file, "#!/bin/sh\n"+script)
	if out, err := exec.Command("chmod", "700", file).CombinedOutput(); err != nil {
		r.t.Fatalf("%v: %s", err, out)
	}
}

// toolchain is a release that is not there yet.
const toolchain = "go1.99.0"

// withToolchain gives the origin a toolchain that is the installed go command again, in 20 MB.
func (r *labRun) withToolchain(c *origintest.Config) {
	path, err := exec.LookPath("go")
	if err != nil {
		r.t.Fatal(err)
	}
	script := "#!/bin/sh\nexec env -u GOTOOLCHAIN_INTERNAL_SWITCH_VERSION -u GOTOOLCHAIN_INTERNAL_SWITCH_COUNT GOTOOLCHAIN=local GOROOT= '" + path + "' \"$@\"\n"
	modules := append(r.s.shape.Generate(), origintest.Module{Path: "golang.org/toolchain", Versions: []origintest.Version{{
		Version: fmt.Sprintf("v0.0.1-%s.%s-%s", toolchain, runtime.GOOS, runtime.GOARCH), NoGoMod: true,
		Content: map[string]string{"bin/go": script, "pkg/tool/readme": "none\n", "lib/readme": "none\n", "bin/gofmt": script}, Size: 20_000_000, Incompressible: true,
	}}})
	if c.Tree, err = origintest.NewTree(modules); err != nil {
		r.t.Fatal(err)
	}
}

// wantToolchain makes the project ask for the toolchain.
func (r *labRun) wantToolchain() {
	file := filepath.Join(r.dir, "go.mod")
	text, err := os.ReadFile(file)
	if err != nil {
		r.t.Fatal(err)
	}
	writeFile(r.t, file, strings.Replace(string(text), "go 1.21\n", "go 1.21\n\ntoolchain "+toolchain+"\n", 1))
}
