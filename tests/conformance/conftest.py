"""What is collected: the page's blocks are run by their tests, not imported in search of doctests."""

collect_ignore_glob = ["seed/blocks/*"]
