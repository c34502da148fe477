//go:build unix

package main

import (
	"os/exec"
	"runtime"
	"strings"
	"syscall"
)

// openURL has the user's browser show url, and waits for the program that does it. That has
// a session of its own: a Ctrl-C in our terminal is for us, and closing the terminal is
// nothing to a browser.
func openURL(url string) error {
	programs := []string{"xdg-open", "x-www-browser", "www-browser", "wslview"}
	if runtime.GOOS == "darwin" {
		programs = []string{"open"}
	}
	for _, name := range programs {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		cmd := exec.Command(path, url) // without a terminal: that is the command's
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		return cmd.Run()
	}
	return &exec.Error{Name: strings.Join(programs, ", "), Err: exec.ErrNotFound}
}
