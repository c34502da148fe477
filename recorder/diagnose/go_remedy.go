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

// keepPrivate are the commands that keep the modules of patterns from the proxies and the
// checksum database. GOPRIVATE is only what GONOPROXY and GONOSUMDB are where they are not
// set themselves (cmd/go/internal/cfg, cfg.go): one that is needs the patterns as well.
func (a *Analysis) keepPrivate(patterns []string) []string {
	private := a.addTo("GOPRIVATE", patterns)
	var commands []string
	if private != a.Setting("GOPRIVATE") {
		commands = append(commands, a.goEnvW("GOPRIVATE", private))
	}
	for _, name := range []string{"GONOPROXY", "GONOSUMDB"} {
		value, known := a.Env.Go[name]
		follows := value == a.Setting("GOPRIVATE") && !slices.Contains(a.Env.FromEnv, name)
		if with := a.addTo(name, patterns); known && !follows && with != value {
			commands = append(commands, a.goEnvW(name, with))
		}
	}
	return commands
}
