package main

import (
	"path/filepath"
	"runtime"
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

// beginFacts begins to read. command is the file that will run.
func (s *session) beginFacts(command string) {
	if !isGoFile(command) {
		command = "" // it may run one all the same: the one on the PATH
	}
	s.facts.reading = environ.Begin(environ.Config{
		Env: s.environ, Go: command, GOTOOLCHAIN: s.goEnv.GOTOOLCHAIN,
		Shell: string(child.UserShell(s.getenv, runtime.GOOS)), Redactor: s.redactor,
	})
	s.later(func() {
		s.facts.reading.Cancel()
		<-s.facts.reading.Done()
	})
}

// isGoFile reports whether file is a go command: go, go.exe, go1.25.3.
func isGoFile(file string) bool {
	name := strings.TrimSuffix(filepath.Base(file), ".exe")
	return name == "go" || strings.HasPrefix(name, "go1.")
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
