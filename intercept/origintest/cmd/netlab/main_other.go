//go:build !linux

// Command netlab runs a command on a simulated network path; it exists on Linux alone.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "netlab needs Linux: network namespaces and TUN devices")
	os.Exit(2)
}
