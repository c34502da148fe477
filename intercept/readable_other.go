//go:build !unix

package intercept

import "syscall"

func readable(syscall.RawConn) bool { return false }

const canAsk = false
