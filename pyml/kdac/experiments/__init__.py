"""The experiments that the paper's abstract speaks of and its text does not have."""
