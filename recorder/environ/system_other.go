//go:build !windows && !darwin

package environ

import "context"

// systemProxy is "": this system has no settings besides the variables that every program
// would heed.
func systemProxy(context.Context) string { return "" }
