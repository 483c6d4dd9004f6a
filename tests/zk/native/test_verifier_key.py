"""A proof is for one verifying key: one pixel, one label, one number changed, and it is refused. Keys that are none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from pyml.crypto.bn254 import FIELD_MODULUS
from pyml.crypto.bn254_group import multiply_g1, multiply_g2
from pyml.errors import CircuitError
from pyml.zk.native.reference.prove import commit_data
from pyml.zk.native.refusal import Refusal
from pyml.zk.native.shape import VerifyingKey
from pyml.zk.native.verifier import explain, explain_inference, explain_weights, key_digest, proof_length, verify
from tests.zk.native.proved_cases import proved_cases
from tests.zk.native.toy_cases import POWERS, cases

CASE = next(case for case in proved_cases() if case.name == "one hidden layer")
TOY = next(case for case in cases() if case.name == CASE.name)
HINTED = {Refusal.HINT_INVERSE_Z, Refusal.HINT_DIFFERENCES}


def other_keys(key: VerifyingKey) -> dict[str, VerifyingKey]:
    """Keys of the same length of proof, each with one number changed."""
    shape, tau = key.shape, multiply_g2(5)
    found = {
        "one sample fewer": replace(key, shape=replace(shape, samples=shape.samples - 1)),
        "another shift": replace(key, shape=replace(shape, shifts=tuple(shift - 1 for shift in shape.shifts))),
        "another bias unit": replace(key, shape=replace(shape, bias_units=(2, *shape.bias_units[1:]))),
        "another set-up": replace(key, tau_g2=(tau.x[1], tau.x[0], tau.y[1], tau.y[0])),
        "a class more": replace(key, shape=replace(shape, widths=(*shape.widths[:-1], shape.widths[-1] + 1))),
    }
    data = [multiply_g1(point, 3) if point else point for point in key.data]
    found["other data"] = replace(key, data=tuple(data))
    found["no data"] = replace(key, data=(None,) * len(data))
    return found


def test_no_other_key() -> None:
    case = CASE
    for name, key in other_keys(case.key).items():
        changed = replace(case, key=key)
        assert key_digest(key) != key_digest(case.key), name
        assert proof_length(key.shape) == len(case.proof), name
        assert changed.refusal in HINTED, name
        assert changed.with_hints().refusal is Refusal.INNER_PRODUCTS, name


def with_data(inputs: NDArray[np.int64], labels: NDArray[np.int64]) -> VerifyingKey:
    return replace(CASE.key, data=commit_data(CASE.key.shape, POWERS, inputs, labels))


def test_one_pixel_and_one_label_count() -> None:
    assert with_data(TOY.inputs, TOY.labels) == CASE.key
    for sample, feature in ((0, 0), (4, 3)):
        inputs, labels = TOY.inputs.copy(), TOY.labels.copy()
        inputs[sample, feature] += 1
        labels[sample] = (labels[sample] + 1) % 3
        for key in (with_data(inputs, TOY.labels), with_data(TOY.inputs, labels)):
            assert not verify(key, CASE.commitment, CASE.context, CASE.public[0], CASE.proof)
            assert replace(CASE, key=key).with_hints().refusal is Refusal.INNER_PRODUCTS
    changed = replace(CASE, key=with_data(inputs, TOY.labels))
    assert changed.with_inner_products().refusal is Refusal.PAIRING


def test_another_set_up_fails_at_the_pairing_of_the_best_forger() -> None:
    key = other_keys(CASE.key)["another set-up"]
    assert replace(CASE, key=key).with_inner_products().refusal is Refusal.PAIRING


def test_commitments_of_another_number_are_no_key() -> None:
    for data in ((), (*CASE.key.data, None)):
        with pytest.raises(CircuitError, match="wrong number of data polynomials; expected 1"):
            explain(replace(CASE.key, data=data), CASE.commitment, CASE.context, 4, CASE.proof)


def test_a_key_of_another_statement_is_refused() -> None:
    inference = next(case for case in proved_cases() if case.kind == "inference")
    with pytest.raises(CircuitError, match="for another statement; expected committed data"):
        explain(inference.key, inference.commitment, inference.context, 1, inference.proof)
    with pytest.raises(CircuitError, match="for another statement; expected data in the witness"):
        explain_inference(CASE.key, CASE.commitment, CASE.context, 1, 1, CASE.proof)


def twist_point(real: int) -> tuple[int, int, int, int] | None:
    """A point of the twist with x = ``real``, if there is one; y by the complex method, as q = 3 mod 4."""
    q = FIELD_MODULUS
    b = (3 * 9 * pow(82, -1, q), -3 * pow(82, -1, q))  # 3/(9 + i)
    a0, a1 = (real**3 + b[0]) % q, b[1] % q
    norm = pow(a0 * a0 + a1 * a1, (q + 1) // 4, q)
    for sign in (norm, -norm):
        half = (a0 + sign) * pow(2, -1, q) % q
        y0 = pow(half, (q + 1) // 4, q)
        y1 = a1 * pow(2 * y0, -1, q) % q
        if (y0 * y0 - y1 * y1 - a0) % q == 0 and (2 * y0 * y1 - a1) % q == 0:
            return 0, real, y1, y0
    return None


@pytest.mark.parametrize("tau", [(0, 0, 0, 0), (1, 2, 3, 4), (FIELD_MODULUS, 0, 0, 0), (-1, 0, 0, 0)])
def test_tau_is_a_point_of_the_second_group(tau: tuple[int, int, int, int]) -> None:
    with pytest.raises(CircuitError, match="of a verifying key is not a point of G2"):
        explain_weights(replace(CASE.key, tau_g2=tau), CASE.commitment, CASE.context, CASE.proof)


def test_tau_has_order_r() -> None:
    """The twist's order is r times a large cofactor: its first point is not in the group."""
    tau = next(point for point in map(twist_point, range(1, 50)) if point is not None)
    with pytest.raises(CircuitError, match="not a point of G2; got a point of the twist is not in G2"):
        explain(replace(CASE.key, tau_g2=tau), CASE.commitment, CASE.context, 4, CASE.proof)
