"""What an attack came to: what honest work costs, what the attacker paid, and whether it was accepted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Finding:
    """One attack against one scheme. ``attacker`` is ``None`` where nothing that was tried succeeded."""

    attack: str
    against: str
    unit: str
    honest: float | None
    attacker: float | None
    succeeds: bool
    details: Mapping[str, object] = field(default_factory=dict[str, object])

    def as_dict(self) -> dict[str, object]:
        """For JSON; numbers to four digits."""
        return {
            "attack": self.attack,
            "against": self.against,
            "unit": self.unit,
            "honest_cost": rounded(self.honest),
            "attacker_cost": rounded(self.attacker),
            "succeeds": self.succeeds,
            **{name: rounded(value) for name, value in self.details.items()},
        }


def rounded(value: object) -> object:
    """Floats to four significant digits, also within tables."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, Mapping):
        return {str(name): rounded(each) for name, each in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return value
