// Package environ reads what a diagnosis needs to know of the machine and of the go
// command's settings: `go env`, go.mod and go.sum, processors, proxies, git.
//
// What must never happen here: a request on the network (also none of the go command's,
// which may want to download another toolchain), a change of any file or setting, keeping
// the recorded command waiting, or handing out a secret.
package environ
