package child

import (
	"os"
	"strings"
	"unsafe"

	"golang.org/x/sys/windows"
)

// parentName is the name of the program that started this one; "" when it is not known.
func parentName() string {
	list, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPPROCESS, 0)
	if err != nil {
		return ""
	}
	defer windows.CloseHandle(list)
	parent := uint32(os.Getppid())
	e := windows.ProcessEntry32{Size: uint32(unsafe.Sizeof(windows.ProcessEntry32{}))}
	for err = windows.Process32First(list, &e); err == nil; err = windows.Process32Next(list, &e) {
		if e.ProcessID == parent {
			return strings.TrimSuffix(strings.ToLower(windows.UTF16ToString(e.ExeFile[:])), ".exe")
		}
	}
	return ""
}
