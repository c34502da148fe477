//go:build !linux && !windows && !darwin

package child

func parentName() string { return "" }
