package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"modtap/ca"
)

func (a *app) caCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "ca",
		Short: "The certificate authority of modtap serve",
		Long: `The CA of modtap serve is made when it first runs, for this machine only. Its key
never leaves the configuration folder. modtap run does not use it: it makes one of its
own in memory each time.`,
		Example: "  modtap ca show\n  modtap ca rotate",
		Args:    cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return c.Help()
			}
			return usageError(c, withHint(fmt.Errorf("ca: unknown command %q", args[0]), "it is show or rotate"))
		},
	}
	c.AddCommand(
		&cobra.Command{
			Use: "show", Short: "Show the CA and where it is", Example: "  modtap ca show", Args: a.noArgs,
			RunE: func(*cobra.Command, []string) error { return a.caShow() },
		},
		&cobra.Command{
			Use: "rotate", Short: "Replace the CA by a new one",
			Long:    "Rotate makes a new CA. What trusts the old one no longer trusts modtap; a serve that runs keeps the old one until it is started again.",
			Example: "  modtap ca rotate", Args: a.noArgs,
			RunE: func(*cobra.Command, []string) error { return a.caRotate() },
		},
	)
	return c
}

func (a *app) caShow() error {
	dir, err := a.configDir()
	if err != nil {
		return err
	}
	authority, err := ca.Load(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return withHint(errors.New("there is no CA yet"), "modtap serve makes one")
	}
	if err != nil {
		return err
	}
	return a.describeCA(dir, authority)
}

func (a *app) caRotate() error {
	dir, err := a.configDir()
	if err != nil {
		return err
	}
	authority, err := ca.Rotate(dir)
	if err != nil {
		return err
	}
	return a.describeCA(dir, authority)
}

func (a *app) describeCA(dir string, authority *ca.Authority) error {
	cert := authority.Certificate()
	_, err := fmt.Fprintf(a.stdout, "name         %s\nSHA-256      %s\nvalid until  %s\ncertificate  %s\nkey          %s\n",
		cert.Subject.CommonName, fingerprint(cert.Raw), cert.NotAfter.UTC().Format(time.DateOnly),
		filepath.Join(dir, ca.CertFile), filepath.Join(dir, ca.KeyFile))
	return err
}

// fingerprint is written as trust stores and browsers write it.
func fingerprint(der []byte) string {
	var b strings.Builder
	for i, v := range sha256.Sum256(der) {
		if i > 0 {
			b.WriteByte(':')
		}
		fmt.Fprintf(&b, "%02X", v)
	}
	return b.String()
}
