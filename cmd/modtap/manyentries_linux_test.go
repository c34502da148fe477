package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"modtap/recorder/har"
	"modtap/recorder/har/hartest"
)

// The report of a long recording: the memory is a bound, and the time what it should take.
// A busy machine may need longer, but not so much longer that the report was made in another
// way than it should be.
const (
	manyEntries = 100_000
	manyMemory  = 300 << 20
	manyTime    = 3 * time.Second
)

// TestReportOfManyEntries has the real program report on 100,000 requests of a go command.
func TestReportOfManyEntries(t *testing.T) {
	needLab(t, 1) // beside other tests the collector comes too late, and the memory says nothing
	file := filepath.Join(t.TempDir(), "many.har")
	w, err := har.Create(file, har.Options{Redacted: true})
	if err != nil {
		t.Fatal(err)
	}
	for e := range hartest.GoCommand(manyEntries) {
		if err := w.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "modtap", "report", file, "--format", "text")
	cmd.Env = append(cmd.Environ(), "MODTAP_HOME="+t.TempDir())
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	start := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	peak := peakMemory(cmd.Process.Pid)
	err = cmd.Wait()
	took, memory, out := time.Since(start), <-peak, stdout.Bytes()
	if err != nil || !strings.Contains(string(out), "100,000") && !strings.Contains(string(out), "100000") {
		t.Errorf("%v; the report is\n%.2000s", err, out)
	}
	t.Logf("%.2f s (%.2f s of processor time), %.0f MiB at most", took.Seconds(), (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), mib(memory))
	if memory > manyMemory {
		t.Errorf("it took %.0f MiB, more than %.0f", mib(memory), mib(manyMemory))
	}
	if took > manyTime {
		t.Logf("that is longer than %v: is the machine busy?", manyTime)
	}
	if took > 3*manyTime {
		t.Errorf("it took %v, more than three times %v", took, manyTime)
	}
}

// peakMemory tells, when the process has ended, the most memory that it had, in bytes, as the
// kernel said it a moment before. (The rusage of a child begins with what its parent had
// when it was started, and that of a test may be much.)
func peakMemory(pid int) <-chan int64 {
	peak := make(chan int64, 1)
	go func() {
		most := int64(0)
		for {
			b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
			_, rest, found := strings.Cut(string(b), "VmHWM:")
			if err != nil || !found { // it has ended: a zombie has no memory
				peak <- most
				return
			}
			kb, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			most = max(most, kb<<10)
			time.Sleep(5 * time.Millisecond) // nothing tells when it grows
		}
	}()
	return peak
}
