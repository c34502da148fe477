package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"
)

var rateTests = []struct {
	in   string
	want float64 // bytes per second
	ok   bool
}{
	{"", 0, true},
	{"800", 100, true},
	{"500kbit", 62_500, true},
	{"4mbit", 500_000, true},
	{"1gbit", 125_000_000, true},
	{"0", 0, false},
	{"-1mbit", 0, false},
	{"fast", 0, false},
}

func TestRate(t *testing.T) {
	for _, tt := range rateTests {
		var got float64
		err := rateFlag(&got)(tt.in)
		if got != tt.want || (err == nil) != tt.ok {
			t.Errorf("rate %q = %v, %v; want %v", tt.in, got, err, tt.want)
		}
	}
}

// sideVar tells this test binary which end of a network it is: TestNetwork starts it twice.
const sideVar = "NETLAB_TEST_SIDE"

func TestSide(t *testing.T) {
	switch os.Getenv(sideVar) {
	case "far":
		ln, err := net.Listen("tcp", farAddr+":7000")
		if err != nil {
			t.Fatal(err)
		}
		for {
			if _, err := ln.Accept(); err != nil { // until TestNetwork kills this process
				t.Fatal(err)
			}
		}
	case "near":
		start := time.Now()
		c, err := net.Dial("tcp", "far.golang.test:7000")
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		if took := time.Since(start); took < 60*time.Millisecond {
			t.Errorf("connected after %v, want 60 ms", took)
		}
	default:
		t.Skip("only as a child of TestNetwork")
	}
}

func TestNetwork(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root for network namespaces")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("needs iproute2")
	}
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		t.Skip("needs /dev/net/tun: ", err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	side := func(name string) []string {
		return []string{"env", sideVar + "=" + name, self, "-test.run=^TestSide$"}
	}
	far := side("far")
	c := config{
		rtt:   60 * time.Millisecond,
		queue: time.Second,
		wait:  500 * time.Millisecond,
		hosts: listFlag{"far.golang.test=" + farAddr},
		far:   listFlag{fmt.Sprintf("%s %s %q %s", far[0], far[1], far[2], far[3])},
	}
	code, err := run(c, side("near"))
	if err != nil || code != 0 {
		t.Errorf("status %d, %v", code, err)
	}
	c.far = nil
	if code, err := run(c, []string{"sh", "-c", "exit 7"}); err != nil || code != 7 {
		t.Errorf("status %d, %v; want 7", code, err)
	}
}
