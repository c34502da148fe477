package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"modtap/cmd/internal/child"
	"modtap/recorder/query"
	"modtap/viewer/stream"
)

// viewOptions are the flags of the command view.
type viewOptions struct {
	tui    bool
	format choice
	listen string
	noOpen bool
	filter string
}

func (a *app) viewCommand() *cobra.Command {
	o := &viewOptions{format: choice{of: []string{"page", "json"}}}
	c := &cobra.Command{
		Use:   "view [FILE|URL]",
		Short: "Look at a recording, or at a session that is running",
		Long: `View shows a recording in the browser, or in the terminal (--tui), until Ctrl-C or until
its page is closed. Without FILE it takes the newest recording of the recordings folder. A
HAR that another program wrote will do. URL is the live view that modtap run --view or
modtap serve printed.

With --format json it prints events, one line of JSON each, with one of the keys session,
exchange, conn, tunnel, process, finding and end. Each is a whole snapshot; the last one
with an id counts. {"lost":N} says that N events were dropped; the whole state follows.

Exit status: 0; 1 when there is nothing to view or the session was lost, 2 for bad usage,
128+n when signal n came before a FILE was read or printed.`,
		Example: `  modtap view
  modtap view --tui x.har
  modtap view --filter 'kind:zip time:>1s' x.har
  modtap view --format json x.har | jq -r .exchange.url`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageError(c, withHint(fmt.Errorf("view takes one recording, not %d", len(args)), "see modtap view --help"))
			}
			return nil
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return []string{"har"}, cobra.ShellCompDirectiveFilterFileExt
		},
		RunE: func(c *cobra.Command, args []string) error { return a.view(c, o, args) },
	}
	f := c.Flags()
	f.SortFlags = false
	f.BoolVar(&o.tui, "tui", false, "in this terminal instead of the browser")
	f.Var(&o.format, "format", "json prints the events instead, for programs (default: the page)")
	f.StringVar(&o.listen, "listen", "127.0.0.1:0", "loopback `HOST:PORT` of the page of a FILE")
	f.BoolVar(&o.noOpen, "no-open", false, "print the address of the page and open no browser")
	f.StringVar(&o.filter, "filter", "", "show what matches `FILTER`, as in 'module:k8s.io time:>1s'")
	completeChoices(c, map[string]*choice{"format": &o.format})
	return c
}

// check finds what is wrong with the flags together.
func (o *viewOptions) check(c *cobra.Command, live bool) error {
	switch {
	case o.tui && o.format.value == "json":
		return errors.New("--tui and --format json: one of them")
	case c.Flags().Changed("listen") && (live || o.format.value == "json"):
		return withHint(errors.New("--listen: there is no page to serve"), "it is for a FILE")
	}
	return nil
}

func (a *app) view(c *cobra.Command, o *viewOptions, args []string) error {
	live := len(args) == 1 && isURL(args[0])
	if err := o.check(c, live); err != nil {
		return usageError(c, err)
	}
	q, err := a.parseFilter(c, o.filter)
	if err != nil {
		return err
	}
	// SIGPIPE is caught, too: a reader that has enough ends nothing but the reading.
	signals := child.Catch()
	defer signals.Stop()
	signals.Started()
	ctx, stop := untilSignal(c.Context(), signals)
	defer stop()
	if live {
		return a.viewURL(ctx, o, q, args[0])
	}
	path, arg, err := a.recordingOf(args)
	if err != nil {
		return err
	}
	r, err := interruptible(ctx, func() (*viewed, error) { return a.openToView(path, arg) }, (*viewed).close)
	if err != nil {
		return err
	}
	defer r.close()
	if o.format.value == "json" {
		_, err := interruptible(ctx, func() (struct{}, error) { return struct{}{}, a.printEvents(r, q) }, func(struct{}) {})
		return err
	}
	return a.viewFile(ctx, o, r)
}

// isURL tells the address of a live view from the name of a file.
func isURL(arg string) bool {
	for _, scheme := range []string{"http://", "https://", "ws://", "wss://"} {
		if len(arg) > len(scheme) && strings.EqualFold(arg[:len(scheme)], scheme) {
			return true
		}
	}
	return false
}

// viewURL shows a session that another modtap serves.
func (a *app) viewURL(ctx context.Context, o *viewOptions, q *query.Query, address string) error {
	if o.format.value == "json" {
		return a.followEvents(ctx, address, q)
	}
	client, err := stream.Dial(ctx, address) // it tells a wrong token from nobody there
	if err != nil {
		return err
	}
	defer client.Close()
	if o.tui {
		client.Close()
		return a.viewTUI(ctx, address, o.filter)
	}
	a.talk("the page is at %s", withFilter(address, o.filter))
	if o.noOpen || !a.canBrowse() {
		return nil
	}
	page, err := client.PageURL(ctx)
	if err != nil {
		return err
	}
	select {
	case err := <-browse(withFilter(page, o.filter)):
		if err != nil {
			return withHint(fmt.Errorf("cannot open a browser: %w", err), "open the address yourself")
		}
	case <-time.After(openTime): // it runs
	case <-ctx.Done():
	}
	return nil
}

// openTime is how long a program that opens a browser may take to say that it cannot. chosen
const openTime = 3 * time.Second

// withFilter is the address of a page with the filter that it begins with.
func withFilter(page, filter string) string {
	if filter == "" {
		return page
	}
	u, err := url.Parse(page)
	if err != nil {
		return page // who opens it says so
	}
	q := u.Query()
	q.Set("filter", filter)
	u.RawQuery = q.Encode()
	return u.String()
}
