package gittrace

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// askTime bounds one question to git.
const askTime = 2 * time.Second

// Users returns what sends git's events elsewhere already, the user's own setting:
// GIT_TRACE2_EVENT or trace2.eventTarget; "" when nothing does. Where settings could say
// so git is asked; usually two small files are read.
func Users(getenv func(string) string, env []string) string {
	const variable, key = "GIT_TRACE2_EVENT", "trace2.eventTarget"
	if getenv(variable) != "" {
		return variable
	}
	for _, file := range configFiles(getenv) {
		b, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		b = bytes.ToLower(b)
		if !bytes.Contains(b, []byte("[trace2")) && !bytes.Contains(b, []byte("[include")) {
			continue
		}
		// In a folder that is no repository: git itself does not look there for it.
		if v, err := Config(context.Background(), env, os.TempDir(), "--get", key); err == nil && len(v) > 0 {
			return key
		}
		return ""
	}
	return ""
}

// configFiles are the files that git reads trace2's settings from (git-config(1), FILES).
func configFiles(getenv func(string) string) []string {
	var files []string
	if getenv("GIT_CONFIG_NOSYSTEM") == "" {
		system := getenv("GIT_CONFIG_SYSTEM")
		if system == "" {
			system = "/etc/gitconfig"
		}
		files = append(files, system)
	}
	if f := getenv("GIT_CONFIG_GLOBAL"); f != "" {
		return append(files, f)
	}
	home := getenv("HOME")
	if home == "" {
		home = getenv("USERPROFILE")
	}
	xdg := getenv("XDG_CONFIG_HOME")
	if xdg == "" {
		xdg = filepath.Join(home, ".config")
	}
	return append(files, filepath.Join(xdg, "git", "config"), filepath.Join(home, ".gitconfig"))
}

// Config runs git config with args in dir and returns the fields of its answer, for which
// -z is set. It takes at most two seconds.
func Config(ctx context.Context, env []string, dir string, args ...string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	c := exec.CommandContext(ctx, "git", append([]string{"config", "-z"}, args...)...)
	c.Dir, c.Env, c.WaitDelay = dir, env, askTime
	out, err := c.Output()
	if err != nil {
		return nil, err
	}
	return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00"), nil
}

// A ProxySetting is a proxy of the user's that git uses for a URL.
type ProxySetting struct {
	Key   string // http.https://host/.proxy, remote.origin.proxy
	Value string // as it is: it may hold a password
	File  string // where it is set; "" on a command line
}

// ProxyFor finds the setting that gives r's URL another proxy than ours; ok is false when
// none does. More specific settings win over http.proxy, whoever sets that
// (http.<url>.* in git-config(1)), and remote.<name>.proxy over both.
func ProxyFor(ctx context.Context, env []string, dir string, r Remote, ours string) (p ProxySetting, ok bool) {
	if r.Name != "" && r.Name != r.URL {
		key := "remote." + r.Name + ".proxy"
		if f, err := Config(ctx, env, dir, "--show-origin", "--get", key); err == nil && len(f) == 2 && f[1] != ours {
			return ProxySetting{key, f[1], origin(f[0])}, true
		}
	}
	value, err := Config(ctx, env, dir, "--get-urlmatch", "http.proxy", r.URL)
	if err != nil || len(value) != 1 || value[0] == ours {
		return ProxySetting{}, false
	}
	// Which setting that was, git does not say: --show-origin is not for --get-urlmatch.
	all, err := Config(ctx, env, dir, "--show-origin", "--get-regexp", `^http\..*proxy$`)
	files := map[string]string{}
	for i := 0; err == nil && i+1 < len(all); i += 2 {
		if key, v, _ := strings.Cut(all[i+1], "\n"); v == value[0] && strings.HasSuffix(key, ".proxy") {
			files[key] = origin(all[i])
		}
	}
	key := keyFor(slices.Collect(maps.Keys(files)), r.URL)
	return ProxySetting{key, value[0], files[key]}, true
}

// keyFor chooses the key that is about rawURL of several with the same value.
func keyFor(keys []string, rawURL string) string {
	best := ""
	for _, key := range keys {
		about := strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(key, "http."), "proxy"), ".")
		about = strings.TrimSuffix(about, "/")
		rest, ok := strings.CutPrefix(rawURL, about)
		if about != "" && ok && (rest == "" || rest[0] == '/') && len(key) > len(best) {
			best = key
		}
	}
	switch {
	case best != "":
		return best
	case len(keys) == 1: // with a * in it, say
		return keys[0]
	}
	return "http.proxy"
}

// origin is the file of a --show-origin; "" for a setting that is in none.
func origin(s string) string {
	file, _ := strings.CutPrefix(s, "file:")
	if file == s {
		return ""
	}
	return file
}

// TooOld reports whether the git that env leads to is too old to write traces: before 2.22
// it did not.
func TooOld(env []string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), askTime)
	defer cancel()
	c := exec.CommandContext(ctx, "git", "version")
	c.Env, c.WaitDelay = env, askTime
	out, err := c.Output()
	if err != nil {
		return false // no git, nothing to see
	}
	return tooOld(string(out))
}

// tooOld reads the answer of git version: "git version 2.39.5 (Apple Git-154)".
func tooOld(answer string) bool {
	var major, minor int
	if _, err := fmt.Sscanf(answer, "git version %d.%d", &major, &minor); err != nil {
		return true // whatever it is, nothing was heard of it
	}
	return major < 2 || major == 2 && minor < 22
}
