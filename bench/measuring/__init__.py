"""How benchmarks measure: processes with their time and memory, and results with what they depend on."""
