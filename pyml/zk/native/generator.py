"""H, the generator that blinds commitments: a point whose logarithm to the generator G nobody knows.

Source: ``circuits/native_accuracy/SPEC.md``, section 3. H = ``hash_to_g1(keccak256("pyml.zk.native.generator.v1"))``,
so that anyone can compute it again. A prover who knew h with H = h·G could open every commitment to anything; one who
knows τ could as well.
"""

from __future__ import annotations

from typing import Final

from pyml.crypto.bn254_group import hash_to_g1
from pyml.crypto.challenges import domain

H: Final = hash_to_g1(domain("pyml.zk.native.generator.v1"))[0]
