"""Private machine-learning proofs: statements, circuits, engine, claims and their registries."""
