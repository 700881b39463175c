"""Gather what was measured into one result (`result.json`, schema 1)."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from statistics import fmean, pstdev
from typing import TYPE_CHECKING, Any

from axonal.data import Dataset
from axonal.hardware import System
from axonal.report import Breakdown, LinkLoad, Report
from axonal.study.front.best import best_code
from axonal.study.judge import dominant_constants, sweeps, verdict
from axonal.study.measure import Measured
from axonal.study.provenance import commit, machine, versions
from axonal.study.recipes import VARIANTS, Network
from axonal.training import metric

if TYPE_CHECKING:
    from axonal.study.comparing import Request

__all__ = ["gathered"]

SCHEMA_VERSION = 1

CHANNELS_OVER_TIME = 100
"""Channels inside dies whose load over time is kept."""

Runs = Mapping[str, Sequence[Measured]]
"""Measured seeds of each variant."""

NOTES = (
    "Weights and on-chip activations are taken as 8 bits wide, membranes as 16; the arithmetic of training is fp32.",
    "Every variant is trained for the same number of steps; those with boundaries start from the same dense network.",
    "Latency is that of one inference on an idle machine, layer after layer, and throughput that of inferences that "
    "follow each other closely, both simulated cycle by cycle; sweeps and weights of constants are analytical.",
    "A boundary element is an element of the tensor that the dense network would send; a packetised bit count charges "
    "one packet header for each value (dense) or each event (spikes).",
    "Spread is the standard deviation over seeds; costs are means over seeds, pictures show the first seed.",
)


def gathered(request: Request, dataset: Dataset, system: System, network: Network, measured: Runs) -> dict[str, Any]:
    """The result as plain JSON values."""
    first = {name: runs[0] for name, runs in measured.items()}
    reference = first.get("ann") or next(iter(first.values()))
    result: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "workload": _workload(request, dataset, network, reference),
        "system": _system(system),
        "seeds": list(request.seeds),
        "versions": versions(),
        "command": _command(request),
        "commit": commit(),
        "machine": machine(),
        "elapsed_s": 0.0,
        "variants": {name: _variant(name, runs, dataset, network) for name, runs in measured.items()},
        "notes": [dataset.source, *NOTES, *_boundary_note(dataset, measured)],
    }
    result["ratios"] = {
        f"hybrid_over_{other}": _ratios(result["variants"]["hybrid"], result["variants"][other])
        for other in ("ann", "snn")
        if other in measured and "hybrid" in measured
    }
    if "ann" in measured and "hybrid" in measured:
        result["dominant_constants"] = dominant_constants(first["ann"], first["hybrid"], system)
        result["sweeps"] = sweeps(first["ann"], first["hybrid"], system)
    else:
        result["dominant_constants"] = []
    result["verdict"] = verdict(result)
    # A result that was just made equals the one that is read back: no tuples.
    plain: dict[str, Any] = json.loads(json.dumps(result))
    return plain


def _workload(request: Request, dataset: Dataset, network: Network, reference: Measured) -> dict[str, Any]:
    layers = reference.workload.layers
    return {
        "data": request.data,
        "network": network.name,
        "description": f"{network.name} on {dataset.name}, {len(dataset.train):,} training "
        f"{'bytes' if dataset.task == 'language' else 'examples'}",
        "inference": dataset.inference,
        "parameters": reference.workload.weights,
        "layers": len(layers),
        "boundary_elements": reference.dense_elements,
        "dense_macs": sum(layer.dense_macs for layer in layers),
        "digest": dataset.digest,
    }


def _system(system: System) -> dict[str, Any]:
    return {
        "name": system.name,
        "description": system.description,
        "packet_header_bits": system.packet_header_bits,
        "chips": [
            {
                "name": chip.name,
                "column": chip.column,
                "row": chip.row,
                "mesh_columns": chip.noc.columns,
                "mesh_rows": chip.noc.rows,
            }
            for chip in system.chips
        ],
        "links": [{"name": link.name, **asdict(link)} for link in system.links],
        "constants": [asdict(constant) for constant in system.constants],
    }


def _variant(name: str, runs: Sequence[Measured], dataset: Dataset, network: Network) -> dict[str, Any]:
    figure, higher = metric(dataset.task)
    values = [run.quality for run in runs]
    # A spiking network repeats the input, not the data: its repetitions are no boundary elements.
    repeats = network.time_steps if VARIANTS[name].code is None else 1
    dense_elements = fmean(run.dense_elements / repeats for run in runs)
    packed = fmean(run.report.link_bits_packed for run in runs)
    first = runs[0]
    return {
        "label": VARIANTS[name].label,
        "quality": {
            "metric": figure,
            "value": fmean(values),
            "spread": pstdev(values),
            "per_seed": values,
            "higher_is_better": higher,
        },
        "activity": fmean(run.activity for run in runs),
        "bits_per_boundary_element": packed / dense_elements if dense_elements else 0.0,
        "link_bits_packed": packed,
        "link_bits_packetised": fmean(run.report.link_bits_packetised for run in runs),
        "latency_ns": fmean(run.report.latency_ns for run in runs),
        "throughput_per_s": fmean(run.report.throughput_per_s for run in runs),
        "energy_pj": _energy([run.report.energy for run in runs]),
        "bottleneck": first.report.bottleneck,
        "boundaries": [
            {**asdict(item), "wire_bytes": None if math.isnan(size) else size}
            for item, size in zip(first.report.boundaries, first.wire_bytes, strict=True)
        ],
        "links": _links(first.report),
        "timeline": [asdict(item) for item in first.report.timeline],
        "engine": first.report.engine,
        "interval_ns": first.report.interval_ns,
        "waits": [asdict(item) for item in first.report.waits],
        "profiles": _profiles([run.report for run in runs]),
        "report_notes": _notes([run.report for run in runs]),
        "analytical": _analytical([run.predicted for run in runs]),
        "training": [
            {
                "seed": run.seed,
                "curve": [asdict(point) for point in run.trained.curve],
                "steps": run.trained.steps,
                "seconds": round(run.trained.seconds, 2),
                "stopped_early": run.trained.stopped_early,
                "warnings": list(run.trained.warnings),
            }
            for run in runs
        ],
    }


def _boundary_note(dataset: Dataset, measured: Runs) -> list[str]:
    """Why the hybrid has its code."""
    if "hybrid" not in measured:
        return []
    best = best_code(dataset.task)
    return [f"The boundaries of the hybrid are those of `{best.key}` ({best.label}): {best.reason}."]


def _energy(energies: Sequence[Breakdown | None]) -> dict[str, float]:
    parts = {
        part: fmean(getattr(energy, f"{part}_pj") for energy in energies)
        for part in ("compute", "memory", "noc", "d2d", "static")
    }
    return {"total": sum(parts.values()), **parts}


def _links(report: Report) -> list[dict[str, Any]]:
    """Loads of all channels; over time only those of die-to-die links and of the busiest channels of the dies.

    A thousand channels by some hundred intervals would be most of the file, and nobody could look at them.
    """
    inside = sorted((item for item in report.links if item.kind == "noc"), key=lambda item: -item.busy_ns)
    quiet = {item.name for item in inside[CHANNELS_OVER_TIME:]}

    def shares(item: LinkLoad) -> list[float]:
        return [] if item.name in quiet else [round(share, 4) for share in item.utilization]

    return [{**asdict(item), "utilization": shares(item)} for item in report.links]


def _profiles(reports: Sequence[Report]) -> list[dict[str, Any]]:
    """Energy at each profile that all seeds have, mean over seeds."""
    found = [{item.name: item.energy for item in report.profiles} for report in reports]
    names = [name for name in found[0] if all(name in others for others in found)]
    return [{"name": name, "energy_pj": _energy([others[name] for others in found])} for name in names]


def _notes(reports: Sequence[Report]) -> list[str]:
    return list(dict.fromkeys(note for report in reports for note in report.notes))


def _analytical(predicted: Sequence[Report]) -> dict[str, Any]:
    """The prediction beside the figures, mean over seeds like them."""
    return {
        "latency_ns": fmean(report.latency_ns for report in predicted),
        "throughput_per_s": fmean(report.throughput_per_s for report in predicted),
        "energy_pj": _energy([report.energy for report in predicted]),
        "link_bits_packed": fmean(report.link_bits_packed for report in predicted),
        "valid": all(report.valid for report in predicted),
        "reason": " ".join(_notes(predicted)),
    }


def _ratios(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, float | None]:
    plain = {
        name.removesuffix("_ns").removesuffix("_per_s"): _ratio(mine[name], theirs[name])
        for name in ("latency_ns", "throughput_per_s", "link_bits_packed", "link_bits_packetised")
    }
    return {**plain, "energy": _ratio(mine["energy_pj"]["total"], theirs["energy_pj"]["total"])}


def _ratio(mine: float, theirs: float) -> float | None:
    """The ratio; 1 of equals, and `None` where there is none: silent spikes send no packet, a system may be free."""
    if mine == theirs:
        return 1.0
    return mine / theirs if theirs else None


def _command(request: Request) -> str:
    words = ["axonal compare", request.data, "--system", request.system]
    words += ["--network", request.network] if request.network else []
    words += ["--seeds", ",".join(map(str, request.seeds))]
    words += ["--quick"] if request.quick else []
    words += ["--target", str(request.target)] if request.target is not None else []
    words += ["--steps", ",".join(map(str, request.steps))] if request.steps is not None else []
    words += [word for key, value in request.overrides for word in ("--set", f"'{key}={value}'")]
    return " ".join(words)
