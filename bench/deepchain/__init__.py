"""What the deepchain benchmarks are made of."""
