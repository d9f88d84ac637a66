"""One actor as the System sees it: its mailbox, its handlers, its life."""
