package diagnose

import (
	"net"
	"net/netip"
	"strings"
)

// setProxy sets a proxy variable, by both of its names where these are two: git reads the
// lower-case one first, and the go command reads it where the other is empty.
func (a *Analysis) setProxy(name, value string) []string {
	lower := strings.ToLower(name)
	switch {
	case value == "":
		return a.unsetProxy(name)
	case a.goos() == "windows":
		return []string{a.setVar(name, value)}
	case a.shell() == "sh":
		return []string{a.setVar(name, value) + " " + lower + "=" + a.quote(value)}
	}
	return []string{a.setVar(name, value), a.setVar(lower, value)}
}

// unsetProxy undoes setProxy.
func (a *Analysis) unsetProxy(name string) []string {
	lower := strings.ToLower(name)
	switch shell := a.shell(); {
	case a.goos() == "windows":
		return []string{a.unsetVar(name)}
	case shell == "sh" || shell == "fish":
		return []string{a.unsetVar(name) + " " + lower}
	}
	return []string{a.unsetVar(name), a.unsetVar(lower)}
}

// parentOfFlag reports whether a parent proxy, which may have no name here, came from
// --upstream-proxy: it is none that the environment names.
func (a *Analysis) parentOfFlag(via string) bool {
	if a.In.Session == nil || a.In.Session.Environ == nil {
		return false // not known
	}
	for _, name := range []string{"HTTPS_PROXY", "HTTP_PROXY"} {
		set := a.Env.Proxy[name]
		if set != "" && !strings.Contains(set, "://") {
			set = "http://" + set
		}
		if set != "" && (via == "" || netHost(set) == netHost(via)) {
			return false
		}
	}
	return true
}

// portOf is the port of host:port or of a host, whose port is that of https.
func portOf(target string) string {
	if _, port, err := net.SplitHostPort(target); err == nil {
		return port
	}
	return "443"
}

// curl is the program of that name: in Windows PowerShell curl is another command.
func (a *Analysis) curl() string {
	if a.goos() == "windows" {
		return "curl.exe"
	}
	return "curl"
}

// getCommand asks a target for something, and shows how that goes.
func (a *Analysis) getCommand(target string) string {
	return a.curl() + " -v -o - " + a.quote("https://"+target+"/")
}

// portCommand tries to connect.
func (a *Analysis) portCommand(target string) string {
	host, port := hostName(target), portOf(target)
	if a.shell() == "powershell" && a.goos() == "windows" { // elsewhere it has no such command
		return "Test-NetConnection " + a.quote(host) + " -Port " + a.quote(port)
	}
	return a.curl() + " -v " + a.quote("telnet://"+net.JoinHostPort(host, port))
}

// pathCommand shows the loss on the way to a target.
func (a *Analysis) pathCommand(target string) string {
	host := a.quote(hostName(target))
	mtr := "mtr -T -P " + a.quote(portOf(target)) + " -rwc 100 " + host
	switch a.goos() {
	case "windows":
		return "pathping " + host
	case "darwin":
		return "sudo " + mtr
	}
	return mtr
}

// chainCommand shows the certificates of a target. openssl, which Windows has not, waits for
// input.
func (a *Analysis) chainCommand(target string) string {
	host, port := hostName(target), portOf(target)
	at := net.JoinHostPort(host, port)
	if a.goos() == "windows" {
		return `curl.exe -vk -o NUL -w "%{certs}" ` + a.quote("https://"+at+"/")
	}
	command := "openssl s_client -showcerts -connect " + a.quote(at)
	if _, err := netip.ParseAddr(host); err != nil { // LibreSSL sends no name by itself
		command += " -servername " + a.quote(host)
	}
	if a.shell() == "powershell" { // it has no <
		return "'Q' | " + command
	}
	return command + " </dev/null"
}

// mtuCommand tells whether packets of full size pass, over IPv4: 1472 bytes are that of its
// packets alone. The ping of macOS knows no other.
func (a *Analysis) mtuCommand(host string) string {
	host = a.quote(host)
	switch a.goos() {
	case "windows":
		return "ping -4 -f -l 1472 " + host
	case "darwin":
		return "ping -c 3 -D -s 1472 " + host
	}
	return "ping -4 -c 3 -M do -s 1472 " + host
}
