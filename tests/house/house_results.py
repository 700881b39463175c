"""A small result with round numbers."""

from __future__ import annotations

from typing import Any


def variant(*, accuracy: float, bits: float, latency_ns: float, energy_pj: float) -> dict[str, Any]:
    """One variant of a result."""
    return {
        "label": f"variant of {bits:g} bits",
        "quality": {"metric": "accuracy", "value": accuracy, "spread": 0.01, "higher_is_better": True},
        "activity": 0.25,
        "bits_per_boundary_element": bits / 1000,
        "link_bits_packed": bits,
        "link_bits_packetised": 4 * bits,
        "latency_ns": latency_ns,
        "throughput_per_s": 1e6,
        "energy_pj": {"total": energy_pj, "d2d": energy_pj / 10},
        "boundaries": [{"packed_bits": bits, "wire_bytes": bits / 8 + 0.5}],
        "links": [{"name": "a->b"}],
        "timeline": [{"name": "layer"}],
    }


def result(*, seeds: int = 3, quick: bool = False) -> dict[str, Any]:
    """A result of schema 1 with two variants."""
    return {
        "schema_version": 1,
        "workload": {"data": "digits", "network": "cnn"},
        "system": {"name": "two_dies"},
        "seeds": list(range(seeds)),
        "versions": {"torch": "9.9", "python": "9.8"},
        "command": f"axonal compare digits{' --quick' if quick else ''}",
        "commit": "0123abcd",
        "machine": "an abacus",
        "elapsed_s": 120.0,
        "variants": {
            "ann": variant(accuracy=0.9, bits=8000.0, latency_ns=2000.0, energy_pj=4000.0),
            "hybrid": variant(accuracy=0.89, bits=1000.0, latency_ns=1000.0, energy_pj=1000.0),
        },
        "ratios": {"hybrid_over_ann": {"link_bits_packed": 0.125, "energy": 0.25, "latency": 0.5}},
        "dominant_constants": [{"key": "links.x.energy", "energy_elasticity": 0.4}],
        "sweeps": {"pays_above_pj_per_bit": 3.0, "pays_below_bits_per_ns": None},
        "verdict": {"pays": True, "sentence": "On two_dies the hybrid pays."},
    }
