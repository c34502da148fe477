package environ

import "strings"

// parseScutil reads what macOS's `scutil --proxy` prints: the proxy for https, or the
// address of the script that decides (pac+URL); "" when there is none.
//
//	<dictionary> {
//	  HTTPSEnable : 1
//	  HTTPSPort : 8080
//	  HTTPSProxy : proxy.corp.example
//	}
func parseScutil(out string) string {
	facts := map[string]string{}
	depth := 0
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		key, value, ok := strings.Cut(line, " : ")
		if ok && depth == 1 && !strings.HasSuffix(value, "{") {
			facts[key] = value
		}
		if strings.HasSuffix(line, "{") {
			depth++
		}
		if line == "}" {
			depth--
		}
	}
	if pac := facts["ProxyAutoConfigURLString"]; facts["ProxyAutoConfigEnable"] == "1" && pac != "" {
		return "pac+" + pac
	}
	for _, kind := range []string{"HTTPS", "HTTP"} {
		host, port := facts[kind+"Proxy"], facts[kind+"Port"]
		if facts[kind+"Enable"] != "1" || host == "" {
			continue
		}
		if port != "" {
			host += ":" + port
		}
		return "http://" + host
	}
	return ""
}

// windowsProxy puts together what Windows has in its Internet Settings.
func windowsProxy(enabled bool, server, script string) string {
	if script != "" {
		return "pac+" + script
	}
	if !enabled {
		return ""
	}
	// server is host:port, or by schemes: http=host:port;https=host:port.
	for entry := range strings.SplitSeq(server, ";") {
		if host, ok := strings.CutPrefix(strings.TrimSpace(entry), "https="); ok {
			return host
		}
	}
	if strings.Contains(server, "=") {
		return "" // none for https
	}
	return server
}
