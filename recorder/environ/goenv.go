package environ

import (
	"context"
	"encoding/json"
	"go/version"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// settings are what is recorded of go env.
var settings = []string{
	"GOPROXY", "GOSUMDB", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOFLAGS", "GOTOOLCHAIN", "GOAUTH", "GOVCS",
	"GOINSECURE", "GODEBUG", "GOMODCACHE", "GOCACHE", "GOVERSION",
}

// gowork names the go.work that holds. It is asked for too, but not recorded: the path of
// the user's folder is not for whom a recording is shared with.
const gowork = "GOWORK"

// goEnv asks the go command, by names, because for all of them it would start a C compiler;
// nil when there is none, or it does not answer.
func (c *Config) goEnv(ctx context.Context) map[string]string {
	file := c.Go
	if file == "" {
		file = "go"
	}
	cmd := c.command(ctx, file, append([]string{"env", "-json", gowork}, settings...)...)
	// Or go env itself would download the toolchain that go.mod wants, past modtap.
	cmd.Env = append(cmd.Env, "GOTOOLCHAIN=local")
	out, err := cmd.Output()
	if err != nil {
		return nil
	}
	answer := parseGoEnv(out)
	if answer == nil {
		return nil
	}
	delete(answer, "GOTOOLCHAIN")
	if c.GOTOOLCHAIN != "" {
		answer["GOTOOLCHAIN"] = c.GOTOOLCHAIN
	}
	return answer
}

// fromEnv are the settings that are environment variables; as for the go command, one
// that is empty is not set.
func (c *Config) fromEnv() []string {
	var names []string
	for _, name := range settings {
		if c.getenv(name) != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// parseGoEnv reads the answer of go env -json; nil when it is none.
func parseGoEnv(out []byte) map[string]string {
	var all map[string]string
	if err := json.Unmarshal(out, &all); err != nil {
		return nil
	}
	for name := range all {
		if name != gowork && !slices.Contains(settings, name) {
			delete(all, name)
		}
	}
	return all
}

// command prepares asking a program.
func (c *Config) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = c.Dir, slices.Clone(c.Env)
	cmd.WaitDelay = time.Second // a script may leave something behind that holds our pipe
	return cmd
}

// redacted removes the secrets of settings that may have some.
func (c *Config) redacted(all map[string]string) map[string]string {
	for name, value := range all {
		switch name {
		case "GOFLAGS", "GOAUTH": // flags, and commands, that may be quoted
			all[name] = c.Redactor.Line(value)
		default:
			all[name] = c.Redactor.Text(value)
		}
	}
	return all
}

// gitVersion is as in 2.39.5; "" when there is no git.
func (c *Config) gitVersion(ctx context.Context) string {
	out, err := c.command(ctx, "git", "version").Output()
	if err != nil {
		return ""
	}
	return parseGitVersion(string(out))
}

// parseGitVersion reads "git version 2.39.5 (Apple Git-154)".
func parseGitVersion(answer string) string {
	rest, ok := strings.CutPrefix(answer, "git version ")
	if f := strings.Fields(rest); ok && len(f) > 0 && f[0][0] >= '0' && f[0][0] <= '9' && len(f[0]) < 64 {
		return f[0]
	}
	return ""
}

// toolchain is the version that runs: the local one, unless GOTOOLCHAIN names another, or
// lets one of want (of go.mod or go.work) have its way.
func toolchain(local, gotoolchain string, want []string) string {
	base, _, open := strings.Cut(gotoolchain, "+")
	runs := local
	switch {
	case strings.HasPrefix(base, "go1"):
		runs = base
	case base == "auto" || base == "path":
		open = true
	}
	if !open {
		return runs
	}
	for _, v := range want {
		if older(runs, v) {
			runs = v
		}
	}
	return runs
}

// older compares versions such as go1.25.3; a vendor's suffix does not count.
func older(a, b string) bool {
	plain := func(v string) string {
		v, _, _ = strings.Cut(v, " ") // go1.26.8 X:boringcrypto
		v, _, _ = strings.Cut(v, "-")
		return v
	}
	return version.Compare(plain(a), plain(b)) < 0
}
