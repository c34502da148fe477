package main

import "fmt"

// enoughFiles is room for a thousand connections of the command, each of which is two of
// modtap's, and for as much again.
const enoughFiles = 4096

// outOfFiles says which limit was reached and how to raise it. Which connection met it
// first is chance, and what became of each is in the recording.
func (s *session) outOfFiles(error) {
	limit, known := fileLimit()
	reached := ""
	if known {
		reached = fmt.Sprintf(" (the limit is %d)", limit)
	}
	more := max(enoughFiles, 4*min(limit, 1<<20)) // no limit is a very large number
	s.alarm(troubleDescriptors, "too many open files%s: connections fail until others end; start modtap after  ulimit -n %d", reached, more)
}
