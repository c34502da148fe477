package child

import (
	"os"

	"golang.org/x/sys/unix"
)

// parentName is the name of the program that started this one; "" when it is not known.
func parentName() string {
	k, err := unix.SysctlKinfoProc("kern.proc.pid", os.Getppid())
	if err != nil {
		return ""
	}
	return unix.ByteSliceToString(k.Proc.P_comm[:])
}
