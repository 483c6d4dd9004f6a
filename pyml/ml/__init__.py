"""Data sets, networks, training and exact integer inference: tensors and arrays only, no chain and no keys."""
