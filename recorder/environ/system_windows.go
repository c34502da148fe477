package environ

import (
	"context"

	"golang.org/x/sys/windows/registry"
)

// systemProxy is what the user's Internet Settings name, "" when nothing.
func systemProxy(context.Context) string {
	k, err := registry.OpenKey(registry.CURRENT_USER, `Software\Microsoft\Windows\CurrentVersion\Internet Settings`, registry.QUERY_VALUE)
	if err != nil {
		return ""
	}
	defer k.Close()
	enabled, _, _ := k.GetIntegerValue("ProxyEnable") // what is not there is not set
	server, _, _ := k.GetStringValue("ProxyServer")
	script, _, _ := k.GetStringValue("AutoConfigURL")
	return windowsProxy(enabled != 0, server, script)
}
