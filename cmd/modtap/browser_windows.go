package main

import "golang.org/x/sys/windows"

// openURL has the user's browser show url. The shell starts it, so it is not one of those
// that a Ctrl-C in our console reaches.
func openURL(url string) error {
	text, err := windows.UTF16PtrFromString(url)
	if err != nil {
		return err
	}
	return windows.ShellExecute(0, nil, text, nil, nil, windows.SW_SHOWNORMAL)
}
