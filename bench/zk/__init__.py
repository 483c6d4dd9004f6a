"""What the ``zk`` benchmarks measure: one workload, and the ways to prove it."""
