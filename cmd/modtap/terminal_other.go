//go:build !windows

package main

import "os"

// enableANSI has nothing to do: the terminals here know escape sequences.
func enableANSI(*os.File) bool { return true }

// codePageIsUTF8 is true: where no locale is set, as in containers, programs write UTF-8.
func codePageIsUTF8() bool { return true }
