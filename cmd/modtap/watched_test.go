package main

import (
	"bufio"
	"encoding/json"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
)

// watchedMain is modtap with a line to the test: for each line on descriptor 3 it answers
// on descriptor 4 what the runtime knows of itself. Only the test binary has it.
func watchedMain() {
	ask, answer := os.NewFile(3, "ask"), os.NewFile(4, "answer")
	go func() {
		to := json.NewEncoder(answer)
		for lines := bufio.NewScanner(ask); lines.Scan(); {
			if lines.Text() == "collect" {
				runtime.GC()
			}
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			l := inside{Goroutines: runtime.NumGoroutine(), HeapInUse: m.HeapInuse, HeapAlloc: m.HeapAlloc}
			if lines.Text() == "stacks" {
				buf := make([]byte, 4<<20)
				l.Stacks = string(buf[:runtime.Stack(buf, true)])
			}
			if file, ok := strings.CutPrefix(lines.Text(), "heap "); ok {
				if f, err := os.Create(file); err == nil {
					_ = pprof.WriteHeapProfile(f)
					f.Close()
				}
			}
			_ = to.Encode(l) // the test has ended otherwise
		}
	}()
	main()
}

// inside is what only the process itself knows.
type inside struct {
	Goroutines           int
	HeapInUse, HeapAlloc uint64
	Stacks               string `json:",omitempty"`
}
