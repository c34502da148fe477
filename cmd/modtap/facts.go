package main

import (
	"path/filepath"
	"strings"
	"time"

	"modtap/cmd/internal/child"
	"modtap/recorder"
	"modtap/recorder/environ"
)

// factsTime is how long the end of a command may wait for what is read beside it: go env
// takes 10 ms, unless it is a script of a version manager, or the disk is slow.
const factsTime = time.Second

// facts reads what a diagnosis needs to know of the machine and of the go command's
// settings, beside the command. Its zero value reads nothing.
type facts struct {
	reading *environ.Reading
	told    chan struct{} // closed when the Log has them
}

// beginFacts begins to read. command is the file that will run as argv[0].
func (s *session) beginFacts(command string, argv []string) {
	dir := ""
	if child.IsGo(filepath.Base(command)) {
		dir = goDir(argv)
		if abs, err := filepath.Abs(command); err == nil {
			command = abs // it is asked in dir
		}
	} else {
		command = "" // it may run one all the same: the one on the PATH
	}
	s.facts.reading = environ.Begin(environ.Config{
		Dir: dir, Env: s.environ, Go: command, GOTOOLCHAIN: s.goEnv.GOTOOLCHAIN,
		Shell: string(s.userShell()), Redactor: s.redactor,
	})
	s.later(func() {
		s.facts.reading.Cancel()
		<-s.facts.reading.Done()
	})
}

// goDir is the folder that a go command changes to before anything else, "" when it stays:
// its first flag, before or behind its subcommand, may be -C (cmd/go, handleChdirFlag).
func goDir(argv []string) string {
	rest := argv[1:]
	if len(rest) > 0 && (rest[0] == "mod" || rest[0] == "work") { // whose subcommands are two words
		rest = rest[1:]
	}
	if len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		rest = rest[1:]
	}
	if len(rest) == 0 {
		return ""
	}
	flag, dir, ok := strings.Cut(rest[0], "=")
	switch {
	case flag != "-C" && flag != "--C":
		return ""
	case !ok && len(rest) > 1:
		return rest[1]
	}
	return dir
}

// tellFacts gives the Log the session anew when the facts are there.
func (s *session) tellFacts() {
	if s.facts.reading == nil {
		return
	}
	s.facts.told = make(chan struct{})
	go func() {
		defer close(s.facts.told)
		info := *s.info
		info.Environ = s.facts.reading.Facts()
		s.log.Append(recorder.Event{Session: &info})
	}()
}

// awaitFacts waits until the Log has the facts, but not for long.
func (s *session) awaitFacts() {
	if s.facts.told == nil {
		return
	}
	enough := time.AfterFunc(factsTime, s.facts.reading.Cancel)
	defer enough.Stop()
	<-s.facts.told
}
