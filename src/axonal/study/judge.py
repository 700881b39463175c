"""What dominates, where it would pay, and whether it pays here."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from axonal.hardware import Link, System, with_scaled
from axonal.report import Report
from axonal.simulation import simulate
from axonal.study.measure import Measured

__all__ = ["dominant_constants", "sweeps", "verdict"]

STEP = 1.05
"""Factor by which a constant is scaled to see what follows, unless it is a whole number."""

ENERGIES_PJ_PER_BIT = tuple(round(10 ** (exponent / 4), 4) for exponent in range(-6, 11))
"""0.03 (3-D stacking) to 316 pJ/bit (node to node): the span of the published links."""

BANDWIDTHS_BITS_PER_NS = tuple(round(10 ** (exponent / 4), 4) for exponent in range(-8, 15))
"""0.01 (10 Mb/s) to 3162 Gb/s."""

TOLERANCE = {"accuracy": 0.01, "bits_per_byte": 0.10}
"""Loss of quality against the ANN up to which the hybrid counts as equal."""

ROUNDING = 1e-9
"""0.98 - 0.97 is a little more than 0.01."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """The two variants whose ratio is asked for."""

    ann: Measured
    hybrid: Measured

    def reports(self, system: System) -> tuple[Report, Report]:
        """ANN and hybrid on a system, mapped as before."""
        a, b = (simulate(item.workload, item.placement, system) for item in (self.ann, self.hybrid))
        return a, b


def _energy_pj(report: Report) -> float:
    if report.energy is None:
        raise ValueError("the report has no energy")
    return report.energy.total_pj


def dominant_constants(ann: Measured, hybrid: Measured, system: System) -> list[dict[str, Any]]:
    """Elasticities of the hybrid's energy and latency, and of the energy ratio to the ANN, in each constant.

    e = d ln(result) / d ln(constant): 0.4 means that 10 % more of the constant gives about 4 % more.
    """
    pair = Pair(ann=ann, hybrid=hybrid)
    base = pair.reports(system)
    rows: list[dict[str, Any]] = []
    for constant in system.constants:
        factor = _factor(system, constant.key)
        changed = pair.reports(with_scaled(system, constant.key, factor))
        energies = [
            _elasticity(_energy_pj(new), _energy_pj(old), factor) for new, old in zip(changed, base, strict=True)
        ]
        rows.append(
            {
                "key": constant.key,
                "text": constant.text,
                "energy_elasticity": energies[1],
                "latency_elasticity": _elasticity(changed[1].latency_ns, base[1].latency_ns, factor),
                "ratio_elasticity": energies[1] - energies[0],
            }
        )
    rows = [row for row in rows if max(abs(row["energy_elasticity"]), abs(row["latency_elasticity"])) > 5e-4]
    return sorted(rows, key=lambda row: -max(abs(row["energy_elasticity"]), abs(row["latency_elasticity"])))


def _factor(system: System, key: str) -> float:
    """`STEP`, but 2 for whole numbers (lanes, bits, cycles): 5 cycles and a little more would be rounded to 5."""
    nudged = replace(with_scaled(system, key, 1 + 1e-9), constants=system.constants)
    return 2.0 if nudged == system else STEP


def _elasticity(new: float, old: float, factor: float) -> float:
    return math.log(new / old) / math.log(factor) if old else 0.0


def sweeps(ann: Measured, hybrid: Measured, system: System) -> dict[str, Any]:
    """Ratios hybrid / ANN over the energy and the bandwidth of the links, and where they cross 1.

    Everything else stays as the system has it; at the swept bandwidth only the latency ratio is asked for.
    """
    pair = Pair(ann=ann, hybrid=hybrid)

    def energy_ratio(value: float) -> float:
        a, b = pair.reports(_with_links(system, lambda link: replace(link, energy_pj_per_bit=value)))
        return _energy_pj(b) / _energy_pj(a)

    def latency_ratio(value: float) -> float:
        a, b = pair.reports(_with_links(system, lambda link: replace(link, bits_per_ns=value)))
        return b.latency_ns / a.latency_ns

    energies, latencies = ([f(x) for x in xs] for f, xs in _swept(energy_ratio, latency_ratio))
    return {
        "link_energy_pj_per_bit": list(ENERGIES_PJ_PER_BIT),
        "energy_ratio": energies,
        "pays_above_pj_per_bit": _crossing(ENERGIES_PJ_PER_BIT, energies, rising=False),
        "link_bits_per_ns": list(BANDWIDTHS_BITS_PER_NS),
        "latency_ratio": latencies,
        "pays_below_bits_per_ns": _crossing(BANDWIDTHS_BITS_PER_NS, latencies, rising=True),
    }


def _swept(
    energy: Callable[[float], float], latency: Callable[[float], float]
) -> Iterator[tuple[Callable[[float], float], Sequence[float]]]:
    yield energy, ENERGIES_PJ_PER_BIT
    yield latency, BANDWIDTHS_BITS_PER_NS


def _with_links(system: System, change: Callable[[Link], Link]) -> System:
    return replace(system, links=tuple(change(link) for link in system.links))


def _crossing(xs: Sequence[float], ratios: Sequence[float], *, rising: bool) -> float | None:
    """Where the ratio crosses 1 (log-linear between points); `None` when it stays on one side.

    `rising`: the ratio grows with x, so that the hybrid pays below the crossing.
    """
    for (x0, r0), (x1, r1) in zip(zip(xs, ratios, strict=True), list(zip(xs, ratios, strict=True))[1:], strict=False):
        if (r0 < 1 <= r1) if rising else (r0 >= 1 > r1):
            share = (r0 - 1) / (r0 - r1)
            return math.exp(math.log(x0) + share * (math.log(x1) - math.log(x0)))
    return None


def verdict(result: Mapping[str, Any]) -> dict[str, Any]:
    """Whether the hybrid pays against the ANN on this system, in one sentence with its reasons.

    It pays when quality is within tolerance and energy and latency are both no worse, one of them better.
    """
    ann, hybrid = result["variants"].get("ann"), result["variants"].get("hybrid")
    if ann is None or hybrid is None:
        return {"pays": False, "sentence": "There is no verdict: it needs both the ANN and the hybrid variant."}
    ratios = result["ratios"]["hybrid_over_ann"]
    loss, metric = _loss(ann, hybrid), hybrid["quality"]["metric"]
    equal = loss <= TOLERANCE[metric] + ROUNDING
    energy, latency = ratios["energy"], ratios["latency"]
    pays = bool(equal and energy <= 1 and latency <= 1 and min(energy, latency) < 1)
    share = ann["energy_pj"]["d2d"] / (ann["energy_pj"]["total"] or 1)
    parts = [
        f"On {result['system']['name']} the hybrid {'pays' if pays else 'does not pay'}: it sends "
        f"{_bits_words(ratios['link_bits_packed'])} bits between dies than the packed 8-bit ANN "
        f"({hybrid['bits_per_boundary_element']:.2f} bits per boundary element) {_quality_words(loss, metric)}",
        f"but those links are {100 * share:.2g} % of the ANN's energy" if share < 0.2 and not pays else "",
        f"and it takes {_change(energy, 'energy')} and {_change(latency, 'latency')}"
        + ("" if equal else ", and the loss of quality is beyond the tolerance"),
    ]
    sentence = ", ".join(part for part in parts if part)
    return {"pays": pays, "sentence": f"{sentence}{_where(result.get('sweeps'), energy, latency)}."}


def _loss(ann: Mapping[str, Any], hybrid: Mapping[str, Any]) -> float:
    difference = float(ann["quality"]["value"] - hybrid["quality"]["value"])
    return difference if ann["quality"]["higher_is_better"] else -difference


def _quality_words(loss: float, metric: str) -> str:
    size = f"{abs(loss) * 100:.1f} points" if metric == "accuracy" else f"{abs(loss):.3f} bits per byte"
    if float(size.split(maxsplit=1)[0]) == 0:
        return "at equal quality"
    return f"at {size} {'worse' if loss > 0 else 'better'} quality"


def _bits_words(ratio: float) -> str:
    return f"{1 / ratio:.1f}x fewer" if ratio < 1 else f"{ratio:.1f}x more"


def _change(ratio: float, what: str) -> str:
    if ratio == 1:
        return f"equal {what}"
    if ratio >= 2:
        return f"{_short(ratio)}x the {what}"
    return f"{_short(abs(ratio - 1) * 100)} % {'less' if ratio < 1 else 'more'} {what}"


def _short(value: float) -> str:
    """Two digits that count, never as a power of ten (`1500`, where `.2g` gives `1.5e+03`)."""
    return f"{float(f'{value:.2g}'):g}"


def _where(found: Mapping[str, Any] | None, energy: float, latency: float) -> str:
    if not found:
        return ""
    above, below = found["pays_above_pj_per_bit"], found["pays_below_bits_per_ns"]
    hints = []
    if energy >= 1:
        hints.append(f"energy above {_short(above)} pJ/bit" if above else "energy at no link energy up to 316 pJ/bit")
    if latency >= 1:
        hints.append(f"latency below {_short(below)} Gb/s" if below else "latency at no bandwidth down to 10 Mb/s")
    return f"; with everything else as it is, it would win on {' and on '.join(hints)}" if hints else ""
