// Command netlab runs a command on a simulated network path made of real kernel TCP.
//
// It makes two network namespaces, near (10.77.0.1) and far (10.77.0.2), joined by
// a pair of TUN devices. A user-space wire carries the IP packets between them and adds
// propagation delay, jitter, random loss and a rate limit, and can drop the first SYNs
// of each connection. Kernel retransmission, RTT estimation and congestion control
// are the real ones. It needs Linux, root, iproute2 and /dev/net/tun; no netem module.
//
//	netlab -rtt 80ms -loss 1 -down 4mbit -far './origin -listen 10.77.0.2:443' -- ./modtap run -- go mod download
//
// Names given with -host (repeatable, NAME=ADDR) go to /etc/hosts of the near namespace;
// with -dns ADDR its resolv.conf names that server instead. The exit status is the command's.
package main

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	nearAddr = "10.77.0.1"
	farAddr  = "10.77.0.2"
)

type listFlag []string

func (l *listFlag) String() string     { return strings.Join(*l, ",") }
func (l *listFlag) Set(s string) error { *l = append(*l, s); return nil }

type config struct {
	rtt, jitter time.Duration
	late        float64 // percent of the packets that jitter delays
	loss        float64 // percent
	down, up    float64 // bytes per second, 0 is unlimited
	queue       time.Duration
	dropSYN     int
	seed        uint64
	dns         string
	wait        time.Duration
	stats       bool
	far, hosts  listFlag
}

func main() {
	var c config
	c.flags()
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "netlab: a command is needed; see -h")
		os.Exit(2)
	}
	code, err := run(c, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "netlab:", err)
		os.Exit(125)
	}
	os.Exit(code)
}

func (c *config) flags() {
	flag.DurationVar(&c.rtt, "rtt", 0, "round-trip propagation delay, half added each way")
	flag.DurationVar(&c.jitter, "jitter", 0, "uniform extra delay per packet, 0..jitter, order kept")
	flag.Float64Var(&c.late, "jitter-share", 100, "percent of the packets that -jitter delays")
	flag.Float64Var(&c.loss, "loss", 0, "random loss in percent, each way")
	flag.Func("down", "rate far to near, such as 500kbit or 100mbit; empty is unlimited", rateFlag(&c.down))
	flag.Func("up", "rate near to far", rateFlag(&c.up))
	flag.DurationVar(&c.queue, "queue", 200*time.Millisecond, "longest queueing delay before the rate limiter drops")
	flag.IntVar(&c.dropSYN, "drop-syn", 0, "drop the first N SYNs of each connection (near to far)")
	flag.Uint64Var(&c.seed, "seed", 1, "seed of the loss and jitter draws")
	flag.StringVar(&c.dns, "dns", "", "nameserver of the near namespace")
	flag.DurationVar(&c.wait, "wait", 500*time.Millisecond, "time to let the -far commands start")
	flag.BoolVar(&c.stats, "stats", false, "print packet counts of the wire to stderr at the end")
	flag.Var(&c.far, "far", "command line to run in the far namespace (repeatable)")
	flag.Var(&c.hosts, "host", "NAME=ADDR for the near and far /etc/hosts (repeatable)")
}

// rateFlag parses a rate in bits into dst, in bytes per second.
func rateFlag(dst *float64) func(string) error {
	return func(s string) error {
		if s == "" {
			*dst = 0
			return nil
		}
		unit := 1.0
		for suffix, u := range map[string]float64{"kbit": 1e3, "mbit": 1e6, "gbit": 1e9} {
			if v, ok := strings.CutSuffix(s, suffix); ok {
				s, unit = v, u
				break
			}
		}
		v, err := strconv.ParseFloat(s, 64)
		if err != nil || v <= 0 {
			return errors.New("want a rate such as 500kbit")
		}
		*dst = v * unit / 8
		return nil
	}
}

// run makes the network, runs argv on its near side and returns the exit status.
func run(c config, argv []string) (int, error) {
	sig := make(chan os.Signal, 4) // from here on a signal must not leave namespaces behind
	signal.Notify(sig, os.Interrupt, syscall.SIGTERM)
	// The process number alone would collide with what a killed netlab left behind.
	id := fmt.Sprintf("lab%d-%04x", os.Getpid(), rand.Uint32()&0xffff)
	near, farNS := id+"n", id+"f"
	for _, ns := range []string{near, farNS} {
		remove, err := makeNamespace(ns, c)
		defer remove()
		if err != nil {
			return 0, err
		}
	}
	nearTUN, err := openTUN(near, nearAddr)
	if err != nil {
		return 0, fmt.Errorf("make the near device: %w", err)
	}
	farTUN, err := openTUN(farNS, farAddr)
	if err != nil {
		return 0, fmt.Errorf("make the far device: %w", err)
	}
	upLink := newLink(farTUN, c, c.up, c.seed)
	downLink := newLink(nearTUN, c, c.down, c.seed+1)
	upLink.dropSYN = c.dropSYN
	go upLink.pump(nearTUN)
	go downLink.pump(farTUN)

	for _, line := range c.far {
		stop, err := startFar(farNS, line)
		if err != nil {
			return 0, fmt.Errorf("start %q: %w", line, err)
		}
		defer stop()
	}
	if len(c.far) > 0 {
		time.Sleep(c.wait)
	}
	code, err := runNear(near, argv, sig)
	if c.stats {
		fmt.Fprintf(os.Stderr, "netlab: near->far %s\nnetlab: far->near %s\n", upLink.counts(), downLink.counts())
	}
	return code, err
}

// makeNamespace adds network namespace ns with its own /etc files. remove undoes as much as
// was done.
func makeNamespace(ns string, c config) (remove func(), err error) {
	dir := filepath.Join("/etc/netns", ns)
	remove = func() {
		_ = exec.Command("ip", "netns", "del", ns).Run()
		_ = os.RemoveAll(dir)
	}
	if out, err := exec.Command("ip", "netns", "add", ns).CombinedOutput(); err != nil {
		return func() {}, fmt.Errorf("add network namespace %s: %w: %s", ns, err, out)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return remove, err
	}
	return remove, etc(dir, c)
}

// startFar runs a command line in the far namespace; stop ends it and waits.
func startFar(ns, line string) (stop func(), err error) {
	cmd := exec.Command("ip", "netns", "exec", ns, "sh", "-c", "exec "+line)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr // stdout is the near command's
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}, nil
}

// runNear runs the command and hands it the signals of sig.
func runNear(ns string, argv []string, sig <-chan os.Signal) (int, error) {
	cmd := exec.Command("ip", append([]string{"netns", "exec", ns}, argv...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("start %s: %w", argv[0], err)
	}
	go func() {
		for s := range sig {
			_ = cmd.Process.Signal(s)
		}
	}()
	err := cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		if ws, ok := exit.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
			return 128 + int(ws.Signal()), nil
		}
		return exit.ExitCode(), nil
	}
	return 0, err
}

// etc writes the hosts and resolv.conf that `ip netns exec` lays over /etc.
func etc(dir string, c config) error {
	hosts := "127.0.0.1 localhost\n::1 localhost\n"
	for _, h := range c.hosts {
		name, addr, ok := strings.Cut(h, "=")
		if !ok {
			return fmt.Errorf("-host wants NAME=ADDR, not %q", h)
		}
		hosts += addr + " " + name + "\n"
	}
	if err := os.WriteFile(filepath.Join(dir, "hosts"), []byte(hosts), 0o644); err != nil {
		return err
	}
	resolv := "options timeout:1 attempts:1\n"
	if c.dns != "" {
		resolv = "nameserver " + c.dns + "\n"
	}
	return os.WriteFile(filepath.Join(dir, "resolv.conf"), []byte(resolv), 0o644)
}
