package environ

import (
	"context"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"modtap/recorder"
)

// askTime bounds the programs that are asked, all together.
const askTime = 5 * time.Second

// A Config says whose facts to read.
type Config struct {
	Dir string   // where the command runs; "" is the current directory
	Env []string // of the user, before anything of it was changed for the command
	Go  string   // file of the go command; "": the one on the PATH
	// GOTOOLCHAIN is as it is set, by whatever means: go env is asked with another value.
	GOTOOLCHAIN string
	Shell       string             // the user's, as Environ.Shell has it
	Redactor    *recorder.Redactor // nil: nothing is redacted
}

// A Reading is the reading of facts, which goes on beside the command.
type Reading struct {
	config Config
	files  files
	cancel context.CancelFunc
	done   chan struct{}
	facts  recorder.Environ // once done is closed
}

// Begin reads at once what the command may change (go.mod, go.sum), which takes well
// under a millisecond, and starts to read the rest. Call Cancel, or wait until Done.
func Begin(c Config) *Reading {
	ctx, cancel := context.WithTimeout(context.Background(), askTime)
	r := &Reading{config: c, files: readFiles(c.Dir), cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		defer cancel()
		r.facts = r.read(ctx)
	}()
	return r
}

// Done is closed when all facts are there, or will not come.
func (r *Reading) Done() <-chan struct{} { return r.done }

// Cancel makes the reading end soon, with what is known by then.
func (r *Reading) Cancel() { r.cancel() }

// Facts waits until Done and returns what is known. It is a new value at each call.
func (r *Reading) Facts() *recorder.Environ {
	<-r.done
	facts := r.facts
	return &facts
}

func (r *Reading) read(ctx context.Context) recorder.Environ {
	c := r.config
	e := recorder.Environ{
		CPUs: runtime.NumCPU(), Shell: c.Shell, GoSum: r.files.goSum, GoDirective: r.files.goLine, Proxy: c.proxies(),
	}
	var settings map[string]string
	var asks sync.WaitGroup
	asks.Go(func() { settings = c.goEnv(ctx) })
	asks.Go(func() { e.Git = c.gitVersion(ctx) })
	asks.Go(func() { e.SystemProxy = c.Redactor.Text(systemProxy(ctx)) })
	asks.Wait()
	if local := settings["GOVERSION"]; local != "" {
		settings["GOVERSION"] = toolchain(local, c.GOTOOLCHAIN, r.files.work(settings[gowork]))
	}
	delete(settings, gowork)
	e.MaxProcs = maxProcs(c.getenv("GOMAXPROCS"), settings["GOVERSION"])
	e.Go, e.FromEnv = c.redacted(settings), c.fromEnv()
	return e
}

// getenv returns the value of name; as for os/exec the last one counts.
func (c *Config) getenv(name string) (value string) {
	for _, kv := range c.Env {
		k, v, _ := strings.Cut(kv, "=")
		if k == name || runtime.GOOS == "windows" && strings.EqualFold(k, name) {
			value = v
		}
	}
	return value
}

// proxies are the proxy variables, by their upper-case names; the go command reads those
// first.
func (c *Config) proxies() map[string]string {
	all := map[string]string{}
	for _, name := range []string{"HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"} {
		v := c.getenv(name)
		if v == "" {
			v = c.getenv(strings.ToLower(name))
		}
		if v != "" {
			all[name] = c.Redactor.Text(v)
		}
	}
	return all
}

// maxProcs is GOMAXPROCS of a go command of that version.
//
// Without the variable the runtime of a go command since 1.25 takes the smallest of the
// machine's processors, those it may run on, and the processor limit of its cgroup
// (rounded up, but no less than 2). Our own runtime follows the same rule, in the same
// cgroup, with the same affinity and the same GODEBUG, all of which children inherit: so
// its number is theirs. Before 1.25 limits of cgroups did not count.
func maxProcs(variable, version string) int {
	if n, err := strconv.ParseInt(variable, 10, 32); err == nil && n > 0 {
		return int(n)
	}
	if version != "" && older(version, "go1.25") {
		return runtime.NumCPU()
	}
	return runtime.GOMAXPROCS(0)
}
