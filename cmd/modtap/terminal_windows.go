package main

import (
	"os"

	"golang.org/x/sys/windows"
)

// enableANSI makes the console obey escape sequences; false where it cannot.
func enableANSI(f *os.File) bool {
	var mode uint32
	console := windows.Handle(f.Fd())
	if err := windows.GetConsoleMode(console, &mode); err != nil {
		return false
	}
	return windows.SetConsoleMode(console, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}

// codePageIsUTF8 reports whether the console takes bytes for UTF-8. Without a console
// nobody says otherwise.
func codePageIsUTF8() bool {
	const utf8 = 65001
	cp, err := windows.GetConsoleOutputCP()
	return err != nil || cp == 0 || cp == utf8
}
