"""What others have published about proving inferences: cited, not measured here, on other hardware and statements.

None of these figures may be set against a measured one as if they were of one kind; they say in which range the field
moves. ``hardware`` is what the cited passage names, or nothing where it names none.
"""

from __future__ import annotations

from typing import Any

NOTE = "published, not measured here: other hardware, models and statements"

PUBLISHED: list[dict[str, Any]] = [
    {
        "system": "zkCNN",
        "source": "Liu, Xie, Zhang: zkCNN, CCS 2021, doi 10.1145/3460120.3485379 (abstract)",
        "figure": "VGG16, 15 million parameters: 88.3 s to prove, 59.3 ms to verify, 341 kB",
        "statement": "prediction of a secret CNN on one image; also its accuracy, on 20 images",
        "hardware": None,
    },
    {
        "system": "ezkl (South et al.)",
        "source": "South et al.: Verifiable evaluations of machine learning models using zkSNARKs, arXiv 2402.02675",
        "figure": "an evaluation of N samples is N proofs, made sample by sample and then aggregated or sampled",
        "statement": "inference by fixed private weights on each public input of a set",
        "hardware": None,
    },
    {
        "system": "DeepProve",
        "source": "Lagrange-Labs/deep-prove, README (first benchmark table)",
        "figure": "CNN of 264 thousand parameters: 1.242 s to prove against 196.6 s by ezkl; 0.599 s to verify",
        "statement": "inference on one CIFAR-10 image; no verifier for an EVM chain at a like price",
        "hardware": None,
    },
    {
        "system": "Jolt Atlas",
        "source": "Benno et al.: Jolt Atlas, arXiv 2602.17452",
        "figure": "nanoGPT, about 250 thousand parameters: 14 s to prove, 17 times as fast as ezkl",
        "statement": "inference of a small language model",
        "hardware": None,
    },
    {
        "system": "zkml (Kang et al.)",
        "source": "ddkang/zkml, README; arXiv 2210.08674",
        "figure": "MNIST example: about 8 s and 2 GB of memory",
        "statement": "inference of a small CNN on one image (halo2, KZG)",
        "hardware": None,
    },
]
