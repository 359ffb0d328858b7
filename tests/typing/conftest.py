"""These files are read by the checkers, never imported."""

collect_ignore_glob = ["negative/*", "positive.py"]
