"""What the ``keys`` benchmarks run in processes of their own."""
