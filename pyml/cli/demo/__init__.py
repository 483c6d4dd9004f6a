"""``pyml demo``: the five systems in one story on one devnet. One file a chapter."""
