package main

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	goversion "go/version"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"modtap/cmd/internal/child"
	"modtap/intercept/reverse"
	"modtap/recorder"
)

// trustsByEnvironment reports whether a go command of that version ("" when unknown) takes
// our CA from SSL_CERT_FILE. Windows and macOS learnt it in go 1.27 (golang/go#77865).
func trustsByEnvironment(goos, goVersion string) bool {
	switch goos {
	case "windows", "darwin", "ios":
		lang := goversion.Lang(goVersion)
		return lang != "" && goversion.Compare(lang, "go1.27") >= 0
	}
	return true
}

// capture decides how the child's requests come to us (--mode), and plans what of GOPROXY
// and GOSUMDB has to be rewritten for it.
func (s *session) capture(env child.GoEnv) error {
	all := s.o.mode.value == "reverse" ||
		s.o.mode.value == "auto" && !trustsByEnvironment(runtime.GOOS, env.Toolchain())
	s.trust.Reverse = all
	if s.o.mode.value == "forward" {
		return nil
	}
	settings := reverse.Settings{
		GOPROXY: env.GOPROXY, GOSUMDB: env.GOSUMDB, All: all, Addr: s.listener.Addr().String(),
		Token: rand.Text()[:12], // 60 bits; go prints it in every error
	}
	plan := reverse.New(settings)
	s.direct = plan.Direct
	if plan.GOPROXY == "" && plan.GOSUMDB == "" {
		return nil
	}
	if plan.Leads(settings.Addr) {
		return withHint(fmt.Errorf("GOPROXY leads to %s, modtap itself: it would talk to itself", settings.Addr),
			`run  eval "$(modtap env --unset)"  first`)
	}
	netrc, err := s.netrc()
	if err != nil {
		s.warn("credentials are missing: %v", err)
	}
	var skipped []string
	settings.Credentials, skipped = reverse.NewCredentials(env.GOAUTH, netrc)
	if len(skipped) > 0 {
		s.warn("GOAUTH: %s is not run in reverse mode, requests go out without its credentials", strings.Join(skipped, ", "))
	}
	s.plan = reverse.New(settings)
	s.trust.GOPROXY, s.trust.GOSUMDB = s.plan.GOPROXY, s.plan.GOSUMDB
	return nil
}

// captured names what capture decided, for the record.
func (s *session) captured() string {
	switch {
	case s.trust.Reverse:
		return recorder.CaptureReverse
	case s.plan != nil:
		return recorder.CaptureBoth
	}
	return recorder.CaptureForward
}

// netrc returns the content of the file that the go command's default GOAUTH reads
// (cmd/go/internal/auth/netrc.go); one that is not there is empty.
func (a *app) netrc() (string, error) {
	name := a.getenv("NETRC")
	if name == "" {
		home := a.getenv("HOME")
		if runtime.GOOS == "windows" {
			home = a.getenv("USERPROFILE")
		}
		if home == "" {
			return "", nil
		}
		name = filepath.Join(home, ".netrc")
		if legacy := filepath.Join(home, "_netrc"); runtime.GOOS == "windows" && isFile(legacy) {
			name = legacy
		}
	}
	b, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read %s: %w", name, cause(err))
	}
	return string(b), nil
}

func isFile(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// notSeenInReverse names what reverse mode cannot see.
func (s *session) notSeenInReverse() []string {
	if !s.trust.Reverse {
		return nil
	}
	var spots []string
	name, globs := "GONOPROXY", s.goEnv.GONOPROXY
	if globs == "" {
		name, globs = "GOPRIVATE", s.goEnv.GOPRIVATE
	}
	if globs != "" && globs != "none" {
		spots = append(spots, name+"="+s.redactor.Text(globs)+" except git")
	}
	if s.direct {
		spots = append(spots, "direct except git")
	}
	if s.plan != nil {
		spots = append(spots, "go's repeat of each 4xx")
	}
	return spots
}

// child is how a shell uses the serve that left s.
func (s serveState) child() child.Proxy {
	return child.Proxy{
		URL: "http://" + s.Proxy, Bundle: s.Bundle, CertDir: s.CertDir,
		Reverse: s.Reverse, GOPROXY: s.GOPROXY, GOSUMDB: s.GOSUMDB,
	}
}

// otherGOPROXY warns when the shell's own GOPROXY is not the one that serve relays.
func (a *app) otherGOPROXY(s serveState) {
	if s.GOPROXY == "" {
		return
	}
	shell := &app{environ: child.Original(a.environ, runtime.GOOS)}
	if here := relayedGOPROXY(child.ReadGoEnv(shell.getenv)); here != s.Relays {
		a.warn("serve relays GOPROXY=%s, and it is %s here: to have that one, start serve in this shell", s.Relays, here)
	}
}

// relayedGOPROXY is what serve leaves behind of the list that it relays.
func relayedGOPROXY(env child.GoEnv) string {
	return recorder.NewRedactor().Text(cmp.Or(env.GOPROXY, reverse.DefaultGOPROXY))
}

// byHand are the variables that matter to the go command, for the terminal: none when one
// of them has a password, which only modtap env writes.
func (s *session) byHand() []child.Change {
	var changes []child.Change
	if !s.trust.Reverse {
		changes = []child.Change{{Name: "HTTPS_PROXY", Value: s.trust.URL}, {Name: "SSL_CERT_FILE", Value: s.trust.Bundle}}
	}
	if s.trust.GOPROXY != recorder.NewRedactor().Text(s.trust.GOPROXY) {
		return nil
	}
	if s.trust.GOPROXY != "" {
		changes = append(changes, child.Change{Name: "GOPROXY", Value: s.trust.GOPROXY})
	}
	if s.trust.GOSUMDB != "" {
		changes = append(changes, child.Change{Name: "GOSUMDB", Value: s.trust.GOSUMDB})
	}
	return changes
}
