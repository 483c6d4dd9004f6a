"""What the ``freezenet`` benchmarks share."""
