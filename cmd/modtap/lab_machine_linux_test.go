package main

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"modtap/intercept/origintest"
)

// labMachineFaults live on the machine of the go command.
var labMachineFaults = []scenario{
	{
		id: "slow-disk", shape: origintest.Shape{Modules: 6, Depth: 2, Files: 60, Size: 200},
		setup: (*labRun).ownDisk, fault: (*labRun).slowDisk,
	},
	{
		id: "ipv6-broken", shape: origintest.Shape{Modules: 24, Depth: 2}, always: []string{"close-every=2"},
		config:     func(_ *labRun, c *origintest.Config) { c.Protos = []string{"http/1.1"} },
		fault:      (*labRun).deafIPv6,
		remedyFunc: func(r *labRun) { r.dns = nil }, // switched off
	},
	{id: "cache-lock", fault: func(r *labRun) { r.holdLock("example.golang.test/m3/@v/v1.0.0.lock", 4*time.Second) }},
}

// holdLock holds the lock of a file of the module cache for a while, as another go command
// does that downloads the same zip.
func (r *labRun) holdLock(name string, d time.Duration) {
	file := filepath.Join(last(r.env, "GOMODCACHE"), "cache", "download", filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		r.t.Fatal(err)
	}
	f, err := os.Create(file)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		r.t.Fatal(err)
	}
	timer := time.AfterFunc(d, func() { f.Close() })
	r.t.Cleanup(func() {
		timer.Stop()
		f.Close()
	})
}

// ownDisk puts the module cache on a file system of its own.
func (r *labRun) ownDisk() {
	need(r.t, os.Geteuid() == 0, "root, to mount a file system")
	cache := last(r.env, "GOMODCACHE")
	err := unix.Mount("lab", cache, "tmpfs", 0, "size=200m")
	need(r.t, err == nil, fmt.Sprint("to mount a tmpfs: ", err))
	r.t.Cleanup(func() { _ = unix.Unmount(cache, unix.MNT_DETACH) })
}

// slowDisk looks at every file of the module cache before it may be opened, and takes
// its time, as an antivirus does.
func (r *labRun) slowDisk() {
	const each = 5 * time.Millisecond
	fd, err := unix.FanotifyInit(unix.FAN_CLASS_CONTENT|unix.FAN_CLOEXEC, unix.O_RDONLY|unix.O_CLOEXEC)
	need(r.t, err == nil, "fanotify with permissions")
	cache := last(r.env, "GOMODCACHE")
	err = unix.FanotifyMark(fd, unix.FAN_MARK_ADD|unix.FAN_MARK_MOUNT, unix.FAN_OPEN_PERM, unix.AT_FDCWD, cache)
	need(r.t, err == nil, "fanotify with permissions")
	events := os.NewFile(uintptr(fd), "fanotify")
	stop := make(chan struct{})
	go func() {
		defer close(stop)
		buf := make([]byte, 64*unix.FAN_EVENT_METADATA_LEN)
		for {
			n, err := events.Read(buf)
			if err != nil {
				return
			}
			for at := 0; at+unix.FAN_EVENT_METADATA_LEN <= n; {
				e := (*unix.FanotifyEventMetadata)(unsafe.Pointer(&buf[at]))
				at += int(e.Event_len)
				if e.Fd < 0 {
					continue
				}
				if int(e.Pid) != os.Getpid() {
					time.Sleep(each) // that is the fault
				}
				answer := unix.FanotifyResponse{Fd: e.Fd, Response: unix.FAN_ALLOW}
				_, _ = unix.Write(fd, unsafe.Slice((*byte)(unsafe.Pointer(&answer)), unsafe.Sizeof(answer)))
				_ = unix.Close(int(e.Fd))
			}
		}
	}()
	r.t.Cleanup(func() { // before the file system goes
		_ = unix.FanotifyMark(fd, unix.FAN_MARK_FLUSH|unix.FAN_MARK_MOUNT, 0, unix.AT_FDCWD, cache)
		events.Close()
	})
}

// deafIPv6 gives the GOPROXY an IPv6 address that swallows every SYN, as a network does whose
// IPv6 leads nowhere: the queue of a socket that nobody accepts from is full.
func (r *labRun) deafIPv6() {
	at := netip.AddrPortFrom(netip.IPv6Loopback(), netip.MustParseAddrPort(r.origin.Addr()).Port())
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	need(r.t, err == nil, fmt.Sprint("IPv6: ", err))
	r.t.Cleanup(func() { _ = unix.Close(fd) })
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1)
	err = unix.Bind(fd, &unix.SockaddrInet6{Port: int(at.Port()), Addr: at.Addr().As16()})
	need(r.t, err == nil, "the address ::1")
	if err := unix.Listen(fd, 0); err != nil {
		r.t.Fatal(err)
	}
	for range 8 {
		c, err := net.DialTimeout("tcp", at.String(), 200*time.Millisecond)
		if err != nil {
			r.dns = map[string]origintest.DNSHost{"proxy.golang.test": {A: origintest.Loopback().A, AAAA: origintest.DNSReply{Addrs: []netip.Addr{at.Addr()}}}}
			return
		}
		r.t.Cleanup(func() { c.Close() })
	}
	r.t.Fatal("the queue of a socket never filled")
}
