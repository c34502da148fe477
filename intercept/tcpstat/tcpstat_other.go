//go:build !linux && !darwin && !windows

package tcpstat

type answer struct{}

func (answer) fill(uintptr) {}

func (answer) stats() (Stats, error) { return unknown(), ErrUnsupported }
