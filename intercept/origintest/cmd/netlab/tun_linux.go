package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

const mtu = 1500

// openTUN makes device tun0 with addr in namespace ns and returns it.
func openTUN(ns, addr string) (*os.File, error) {
	runtime.LockOSThread() // the thread is left locked when the namespace cannot be restored
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return nil, err
	}
	defer home.Close()
	target, err := os.Open("/var/run/netns/" + ns)
	if err != nil {
		return nil, err
	}
	defer target.Close()
	if err := unix.Setns(int(target.Fd()), unix.CLONE_NEWNET); err != nil {
		return nil, err
	}
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err == nil {
		ifr, _ := unix.NewIfreq("tun0")
		ifr.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		_, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TUNSETIFF, uintptr(unsafe.Pointer(ifr)))
		if e != 0 {
			err = fmt.Errorf("TUNSETIFF: %w", e)
		}
	}
	if e := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); e != nil {
		return nil, e
	}
	runtime.UnlockOSThread()
	if err != nil {
		return nil, err
	}
	for _, args := range [][]string{
		{"link", "set", "lo", "up"},
		{"addr", "add", addr + "/24", "dev", "tun0"},
		{"link", "set", "tun0", "mtu", strconv.Itoa(mtu), "txqueuelen", "10000", "up"},
		{"route", "add", "default", "dev", "tun0"},
	} {
		if out, err := exec.Command("ip", append([]string{"-n", ns}, args...)...).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("ip %v: %w: %s", args, err, out)
		}
	}
	return os.NewFile(uintptr(fd), "tun-"+ns), nil
}
