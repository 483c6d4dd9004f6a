"""The prover of ``circuits/native_accuracy/SPEC.md`` as readable code, for toy sizes: what other provers agree with."""
