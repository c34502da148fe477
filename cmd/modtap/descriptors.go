package main

import "fmt"

// outOfFiles says which limit was reached and how to raise it. Which connection met it
// first is chance, and what became of each is in the recording.
func (s *session) outOfFiles(error) {
	reached := ""
	if limit, known := fileLimit(); known {
		reached = fmt.Sprintf(" (the limit is %d)", limit)
	}
	s.alarm(troubleDescriptors, "too many open files%s: connections fail until others end; raise the hard limit (ulimit -Hn, LimitNOFILE=) and start modtap again", reached)
}
