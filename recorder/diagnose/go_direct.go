package diagnose

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

// directFallback: public modules that the proxies did not have were fetched from their
// repositories.
func directFallback(v *goView) *recorder.Finding {
	var modules []string
	var calls []int
	for m, asked := range v.asked {
		from := recorder.Span(-1)
		var misses []int
		for _, i := range asked {
			if c := &v.Calls[i]; missed(c) {
				misses = append(misses, i)
				if from < 0 {
					from = c.Start
				}
			}
		}
		if from < 0 {
			continue
		}
		fetches := v.fetchesOf(m, from)
		if !slices.ContainsFunc(fetches, func(i int) bool { return isGit(v.Calls[i].First().Go.Kind) }) || v.looksPrivate(m) || v.isPrivate(m) {
			continue
		}
		modules = append(modules, m)
		calls = append(append(calls, misses...), fetches...)
	}
	if len(calls) == 0 {
		return nil
	}
	slices.Sort(modules)
	slices.Sort(calls)
	calls = slices.Compact(calls)
	f := &recorder.Finding{Cost: v.without(calls), Evidence: v.ids(calls)}
	if f.Cost < waste {
		return nil
	}
	f.Title = fmt.Sprintf("%s came by git as no proxy had it: %s of %s", someOf(modules, "module"), secs(f.Cost), secs(v.Wall))
	if len(modules) > 1 {
		f.Title = strings.Replace(f.Title, "had it", "had them", 1)
	}
	f.Numbers = []recorder.Number{countNumber("modules fetched from their repositories", len(modules), 0), countNumber("requests for that, the 404s included", len(calls), 0), msNumber("wall time", f.Cost, waste)}
	f.Remedy = "Find out why the proxy has no such version: a mistyped or deleted tag, a commit that was never pushed, a new tag. Without direct in GOPROXY go says so at once instead of trying git."
	f.Commands = []string{"go list -m -versions " + v.quote(modules[0])}
	if list := v.withoutEntries(func(_ int, e Entry) bool { return e.isWord() }); list != "" && len(v.Entries) > 1 {
		f.Commands = append(f.Commands, v.with("GOPROXY", list, v.command()))
	}
	return f
}

// gitClone: git fetched much.
func gitClone(v *goView) *recorder.Finding {
	var bytes int64
	cut := map[uint64]recorder.Span{}
	usual := v.wait(v.where(got))
	calls := v.where(func(c *Call) bool {
		x := c.Last()
		if c.First().Go.Kind != gomod.GitUploadPack || c.First().Go.Extra == "ls-refs" || x.Response.BodySize < bigFetch && c.Took() < slowFetch {
			return false
		}
		bytes += x.Response.BodySize
		for _, x := range c.Exchanges {
			cut[x.ID] = max(v.length(x)-usual, 0)
		}
		return true
	})
	if len(calls) == 0 {
		return nil
	}
	f := &recorder.Finding{Cost: v.Saving(cut) + v.gitAfter(calls), Evidence: v.ids(calls)}
	c := v.CallOf(f.Evidence[0])
	g := c.First().Go
	subject := g.Repo
	if subject == "" {
		subject = c.URL.Host + strings.TrimSuffix(c.URL.Path, "/git-upload-pack")
	}
	f.Title = fmt.Sprintf("git fetched %s of %s: %s", size(float64(c.Last().Response.BodySize)), strings.TrimSuffix(subject, ".git"), secs(c.Took()))
	f.Numbers = []recorder.Number{
		{Name: "bytes fetched by git", Value: float64(bytes), Unit: "B", Limit: bigFetch},
		msNumber("time of the longest fetch", c.Took(), slowFetch),
	}
	f.Remedy = "Ask for a tag: git then fetches one commit without its history, which a hash or a branch may not allow. A proxy sends a zip of the version alone."
	if g.Module != "" {
		f.Commands = append(f.Commands, "go get "+v.quote(g.Module+"@latest"))
	}
	hasProxy := slices.ContainsFunc(v.Entries, func(e Entry) bool { return !e.isWord() })
	if len(v.Entries) > 0 && !hasProxy && g.Module != "" && !v.isPrivate(g.Module) && !internalHost(hostOfModule(g.Module)) {
		f.Commands = append(f.Commands, v.goEnvW("GOPROXY", defaultGOPROXY))
		f.Caveat = "A proxy is of use for public modules only."
	}
	f.Commands = append(f.Commands, v.with("GIT_HTTP_LOW_SPEED_LIMIT", "1000", v.with("GIT_HTTP_LOW_SPEED_TIME", "30", v.command())))
	return f
}

// gitAfter is how long git worked on what the calls fetched, with nothing on its way: up to
// the next request after each.
func (v *goView) gitAfter(calls []int) (sum recorder.Span) {
	for _, i := range calls {
		next := v.To
		for k := i + 1; k < len(v.Calls); k++ {
			if v.Calls[k].Start >= v.Calls[i].End {
				next = v.Calls[k].Start
				break
			}
		}
		sum += overlap(v.Path, v.Calls[i].End, next, func(s Segment) bool { return noRequest(s) && s.Bucket == BucketVCS })
	}
	return sum
}

// gitOverSSH is how a recording calls a connection of git's by ssh.
const gitOverSSH = "git over ssh"

// sshRemote: git spoke ssh, which took long or went wrong.
func sshRemote(v *goView) *recorder.Finding {
	if v.In.End == nil {
		return nil
	}
	var slow []recorder.Unseen
	failed := false
	for _, u := range v.In.End.Unseen {
		if u.What != gitOverSSH {
			continue
		}
		fatal := v.Failed() && v.To-(u.Start+u.Took) < hungSSH && !v.failsAfter(u.Start)
		if u.Took >= slowSSH || fatal {
			slow = append(slow, u)
			failed = failed || fatal
		}
	}
	if len(slow) == 0 {
		return nil
	}
	worst := slices.MaxFunc(slow, func(x, y recorder.Unseen) int { return int(min(max(x.Took-y.Took, -1), 1)) })
	f := &recorder.Finding{Cost: v.sshCost(slow)}
	f.Title = fmt.Sprintf("git over ssh to %s took %s", worst.Target, secs(worst.Took))
	if len(slow) > 1 {
		var all recorder.Span
		for _, u := range slow {
			all += u.Took
		}
		f.Title = fmt.Sprintf("git over ssh took %s in %d connections, as %s to %s", secs(all), len(slow), secs(worst.Took), worst.Target)
	}
	if worst.Took < slowSSH {
		f.Title += ", and the command failed"
		f.Caveat = "What ssh said is in the output of the command, not in the recording."
	}
	f.Numbers = []recorder.Number{msNumber("longest ssh connection", worst.Took, slowSSH), countNumber("ssh connections that took long or failed", len(slow), 0)}
	if failed {
		f.Severity = recorder.Bad
	}
	f.Remedy = "Look at what ssh waits for (a key, a prompt, a firewall); make it fail rather than wait; or use https with a token in netrc."
	if worst.Why != "" {
		f.Remedy += " The setting that leads git to ssh: " + worst.Why + "."
	}
	if target, port := sshTarget(worst.Target); target != "" && !strings.HasPrefix(target, "-") {
		if port != "" {
			port = "-p " + port + " "
		}
		f.Commands = append(f.Commands, "ssh -T -o ConnectTimeout=10 "+port+v.quote(target))
	}
	f.Commands = append(f.Commands, v.with("GIT_SSH_COMMAND", "ssh -o BatchMode=yes -o ConnectTimeout=10", v.command()))
	return f
}

// sshTarget is what ssh connects to, of a target that git named: git@host, or git@host:2222
// where it named a port too. What is all of it an IPv6 address has none.
func sshTarget(remote string) (target, port string) {
	i := strings.LastIndexByte(remote, ':')
	if _, err := netip.ParseAddr(remote[strings.LastIndexByte(remote, '@')+1:]); i < 0 || err == nil {
		return remote, ""
	}
	if _, err := strconv.ParseUint(remote[i+1:], 10, 16); err != nil {
		return remote, ""
	}
	return remote[:i], remote[i+1:]
}

// failsAfter reports whether a request that began after from failed, and so may be what
// the command failed of.
func (v *goView) failsAfter(from recorder.Span) bool {
	return len(v.where(func(c *Call) bool { return c.Start >= from && !got(c) })) > 0
}

// sshCost is the part of the critical path in which the connections stood, less a second
// for each, which a sound one takes too.
func (v *goView) sshCost(slow []recorder.Unseen) recorder.Span {
	stretches := v.stretches()
	var cost, cursor recorder.Span
	for _, u := range slow { // in the order of starting
		from, to := max(u.Start, cursor), u.Start+u.Took
		cursor = max(cursor, to)
		if d := overlap(stretches, from, to, noRequest); d > hungSSH {
			cost += d - hungSSH
		}
	}
	return cost
}

// govcsRefusal: a module's page names a version control system that GOVCS forbids, so that
// go stopped there.
func govcsRefusal(v *goView) *recorder.Finding {
	if _, known := v.Env.Go["GOVCS"]; !known || !v.Failed() {
		return nil
	}
	for i := len(v.Calls) - 1; i >= 0; i-- {
		c := &v.Calls[i]
		if c.First().Go.Kind != gomod.GoGet || !got(c) {
			continue
		}
		for _, m := range gomod.ParseGoImports([]byte(text(c.Last()))) {
			path := c.First().Go.Module
			if m.VCS == "mod" || path != m.Prefix && !strings.HasPrefix(path, m.Prefix+"/") {
				continue
			}
			if v.vcsAllowed(m.Prefix, m.VCS) || v.fetchedBy(m, c) {
				continue
			}
			f := &recorder.Finding{Severity: recorder.Bad, Evidence: v.ids([]int{i})}
			f.Title = fmt.Sprintf("GOVCS does not allow %s for %s, so go sent nothing after 1 page", m.VCS, m.Prefix)
			f.Numbers = []recorder.Number{countNumber("requests to the repository", 0, 0)}
			f.Remedy = "Allow it for this path if you trust the repository: its own program will run on what the server sends."
			value := m.Prefix + ":" + m.VCS
			if old := v.Setting("GOVCS"); old != "" {
				value += "," + old
			}
			f.Commands = []string{v.goEnvW("GOVCS", value)}
			return f
		}
	}
	return nil
}

// fetchedBy reports whether the repository that a page named was asked for, by a request
// or by a program of that name.
func (v *goView) fetchedBy(m gomod.GoImport, page *Call) bool {
	repo := strings.TrimSuffix(gomod.RepoName(m.Repo), ".git")
	asked := slices.ContainsFunc(v.Calls, func(c Call) bool {
		g := c.First().Go
		return isGit(g.Kind) && c.Start >= page.Start && (strings.TrimSuffix(g.Repo, ".git") == repo || g.Module == m.Prefix)
	})
	if asked || v.In.Process == nil {
		return asked
	}
	for _, s := range v.In.Process.Samples {
		if s.At > page.End && slices.ContainsFunc(s.Tools, func(t recorder.Tool) bool { return programName(t.Name) == m.VCS }) {
			return true
		}
	}
	return false
}
