"""Workers and peers of the kdac benchmarks."""
