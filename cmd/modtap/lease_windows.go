package main

import (
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

// lockFile opens path, new or as it is there, so that nobody else can: on Windows that is
// a lock. Sharing its deletion lets it be renamed, and removed with its folder.
func lockFile(path string, create bool) (*os.File, error) {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	how := uint32(windows.OPEN_EXISTING)
	if create {
		how = windows.CREATE_NEW
	}
	h, err := windows.CreateFile(name, windows.GENERIC_READ|windows.GENERIC_WRITE, windows.FILE_SHARE_DELETE,
		nil, how, windows.FILE_ATTRIBUTE_NORMAL, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(h), path), nil
}

// ownedByUser need not look: both folders are in the user's profile.
func ownedByUser(fs.FileInfo) bool { return true }
