package diagnose

import (
	"net/netip"
	"slices"
	"strings"
)

// publicProxies serve everyone.
var publicProxies = []string{
	"proxy.golang.org", "goproxy.io", "goproxy.cn", "proxy.golang.com.cn", "mirrors.aliyun.com", "goproxy.baidu.com",
	"mirrors.cloud.tencent.com", "repo.huaweicloud.com", "athens.azurefd.net", "gonexus.dev",
}

// hosting are hosts where everyone's modules live, public and private ones: the path's
// next element says whose.
var hosting = []string{"github.com", "gitlab.com", "bitbucket.org", "codeberg.org", "gitee.com", "git.sr.ht", "dev.azure.com", "ssh.dev.azure.com", "launchpad.net"}

// publicModules are hosts with modules for everyone only.
var publicModules = []string{
	"golang.org", "google.golang.org", "cloud.google.com", "gopkg.in", "k8s.io", "sigs.k8s.io", "go.uber.org", "rsc.io",
	"go.opentelemetry.io", "gonum.org", "honnef.co", "mvdan.cc", "filippo.io",
}

// internalNames end names that no public resolver knows.
var internalNames = []string{".corp", ".internal", ".local", ".lan", ".intra", ".intranet", ".private", ".home", ".localdomain", ".home.arpa"}

// internalHost reports whether a host's name, or its address, is of no use outside.
func internalHost(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast()
	}
	return host != "" && !strings.Contains(host, ".") ||
		slices.ContainsFunc(internalNames, func(end string) bool { return strings.HasSuffix(strings.ToLower(host), end) })
}

// hostOfModule is the first element of a module path.
func hostOfModule(module string) string {
	h, _, _ := strings.Cut(module, "/")
	return h
}

// privatePattern is what GOPRIVATE has to have for a module and those beside it.
func privatePattern(module string) string {
	h := hostOfModule(module)
	if slices.Contains(hosting, h) {
		if parts := strings.SplitN(module, "/", 3); len(parts) > 1 {
			return h + "/" + parts[1]
		}
	}
	return h
}

// privatePatterns are those of modules, each once, in order.
func privatePatterns(modules []string) []string {
	var out []string
	for _, m := range modules {
		if p := privatePattern(m); !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	slices.Sort(out)
	return out
}

// addTo is the user's comma-separated setting with more elements.
func (a *Analysis) addTo(name string, more []string) string {
	var list []string
	for _, e := range strings.Split(a.Setting(name), ",") {
		if e = strings.TrimSpace(e); e != "" {
			list = append(list, e)
		}
	}
	for _, e := range more {
		if !slices.Contains(list, e) {
			list = append(list, e)
		}
	}
	return strings.Join(list, ",")
}

// setTo sets a setting for good, or takes it back where nothing is left of it.
func (a *Analysis) setTo(name, value string) string {
	switch {
	case value == "" && slices.Contains(a.Env.FromEnv, name):
		return a.unsetVar(name)
	case value == "":
		return "go env -u " + name
	}
	return a.goEnvW(name, value)
}

// proxyList writes GOPROXY from entries, each followed by its own separator, or by sep
// where that is not empty.
func proxyList(entries []Entry, sep string) string {
	var b strings.Builder
	for i, e := range entries {
		b.WriteString(e.Name)
		if i == len(entries)-1 {
			break
		}
		switch {
		case sep != "":
			b.WriteString(sep)
		case e.Sep != "":
			b.WriteString(e.Sep)
		default: // it was the last
			b.WriteString(",")
		}
	}
	return b.String()
}

// withoutEntries is the user's GOPROXY without the entries that drop chooses; "" when
// nothing would be left, or a password in it cannot be written.
func (a *Analysis) withoutEntries(drop func(i int, e Entry) bool) string {
	var left []Entry
	for i, e := range a.Entries {
		if !drop(i, e) {
			left = append(left, e)
		}
	}
	if len(left) == 0 || !writable(left) {
		return ""
	}
	return proxyList(left, "")
}

// writable reports whether entries can be printed in a command: their names are redacted,
// so one with a password would not work.
func writable(entries []Entry) bool {
	return !slices.ContainsFunc(entries, func(e Entry) bool { return strings.Contains(e.Name, "@") || e.Name == "" })
}

// isWord reports whether e is direct or off, which are no servers.
func (e Entry) isWord() bool { return e.URL == nil }

// first is the user's GOPROXY with entry i first, the separators as they stand; "" when that cannot be written, or is no
// change.
func (a *Analysis) first(i int) string {
	if i <= 0 || i >= len(a.Entries) || a.Entries[i].isWord() || !writable(a.Entries) {
		return ""
	}
	list := []Entry{a.Entries[i]}
	for j, e := range a.Entries {
		if j != i {
			list = append(list, e)
		}
	}
	for j := range list {
		list[j].Sep = a.Entries[j].Sep
	}
	return proxyList(list, "")
}
