"""One actor as the System sees it: its mailbox, handlers and life cycle."""
