package ca

// systemRoots is empty: the roots of Windows are in the registry, and who trusts them
// asks the system.
func systemRoots() (files, dirs []string) {
	return nil, nil
}
