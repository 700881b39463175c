"""Write the pictures and the tables of README.md, here and of the whole, from `results/links_*.json`.

`python experiments/runtime/report.py` writes; `--check` says whether the committed texts are those of the results.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import weighing
from figure import speeds
from subjects import SUBJECTS
from weighing import Result, codings, equal, loss, quality, rates, rows, speed

HERE = Path(__file__).parent
README = HERE / "README.md"
FRONT = HERE.parents[1] / "README.md"
MARKS = "<!-- begin links -->", "<!-- end links -->"
AT_MBIT = 100.0
TARGET = 8.0
NEAR = 0.2
CONTROL = "int8, learned"
"""Trained as long as the spikes, and hardly constrained by what crosses."""


def results() -> dict[str, Result]:
    """The result of each network that was measured."""
    paths = {name: HERE / "results" / f"links_{name}.json" for name in SUBJECTS}
    return {name: json.loads(path.read_text(encoding="utf-8")) for name, path in paths.items() if path.exists()}


def heading(*names: str) -> Iterator[str]:
    yield f"| {' | '.join(names)} |"
    yield "| --- " * len(names) + "|"


def amount(result: Result, value: float) -> str:
    return f"{100 * value:.2f} %" if result["metric"] == "accuracy" else f"{value:.3f}"


def allowed(result: Result) -> str:
    accuracy = result["metric"] == "accuracy"
    return f"{100 * result['tolerance']:g} points" if accuracy else f"{result['tolerance']:g} bits/byte"


def summary(found: dict[str, Result]) -> Iterator[str]:
    yield from heading(
        "network", "link", "fp16", "best dense coding", "over fp16", "best spikes", "over fp16", "spikes / dense"
    )
    for result in found.values():
        for rate in rates(result):
            base = speed(result, weighing.REFERENCE, rate)
            cells = [result["title"], f"{rate:g} Mbit/s", f"{base.median:,.0f} {result['unit']}/s"]
            gains = []
            for spikes in (False, True):
                name = weighing.best(result, rate, spikes=spikes)
                gains.append(speed(result, name, rate).gain if name else None)
                cells += [f"{name}", f"{gains[-1]:.1f}x"] if name else ["none is as good", ""]
            dense, events = gains
            cells.append(f"{events / dense:.2f}" if dense and events else "")
            yield f"| {' | '.join(cells)} |"
    yield ""
    yield "Only codings that are as good as the dense network (0.5 points or 0.02 bits per byte) compete."
    if "thin" in found:
        name = weighing.best(found["thin"], AT_MBIT)
        gain = speed(found["thin"], name, AT_MBIT).gain if name else 0.0
        verdict = "reached" if gain >= TARGET else "missed"
        yield (
            f"The target, {TARGET:g}x over fp16 at {AT_MBIT:g} Mbit/s where communication binds, is {verdict}: "
            f"{gain:.1f}x with {name}."
        )


def table(result: Result) -> Iterator[str]:
    places = rates(result)
    metric = result["metric"].replace("_", " ")
    yield (
        f"**{result['title']}**: {result['elements']} elements cross for an example, messages of "
        f"{result['micro_batch']} examples, {result['training']}. The dense network has "
        f"{amount(result, result['dense_quality'])} ({metric}) over {result['judged']} test examples; as good is "
        f"within {allowed(result)}."
    )
    if loss(result, CONTROL) < -result["tolerance"]:
        near_control = [n for n in codings(result) if loss(result, n) <= loss(result, CONTROL) + result["tolerance"]]
        yield (
            f"Training goes on with the boundary, and that alone helps: `{CONTROL}`, trained as long, has "
            f"{amount(result, quality(result, CONTROL))}. Within {allowed(result)} of that: {', '.join(near_control)}."
        )
    yield ""
    names = [f"{rate:g} Mbit/s" for rate in places]
    yield from heading("coding", "quality", "loss", "as good", "bytes a message", *names)
    for name in codings(result):
        sizes = [row["bytes_sent"] / row["messages"] for row in rows(result, name)]
        cells = [
            name,
            amount(result, quality(result, name)),
            amount(result, loss(result, name)),
            "yes" if equal(result, name) else "unable",
            f"{statistics.median(sizes):,.0f}",
        ]
        for rate in places:
            item = speed(result, name, rate)
            cells.append(f"{item.median:,.0f}/s ({item.least:,.0f} to {item.most:,.0f}), {item.gain:.2f}x")
        yield f"| {' | '.join(cells)} |"


def advised(found: dict[str, Result]) -> Iterator[str]:
    names = ("network", "link", "probed rate", "round trip", "overhead", "error, median", "worst")
    yield from heading(*names, "within 20 %", "of the quietest rounds", "bare model")
    for result in found.values():
        for rate in rates(result):
            errors = weighing.errors(result, rate)
            link = weighing.setting(result, rate, bare=False)
            cells = [
                result["title"],
                f"{rate:g} Mbit/s",
                f"{1e3 * link.rate_bits_per_ns:.1f} Mbit/s",
                f"{link.round_trip_ns / 1e6:.2f} ms",
                f"{link.overhead_ms:.2f} ms",
                f"{100 * statistics.median(map(abs, errors)):.0f} %",
                f"{100 * max(errors, key=abs):+.0f} %",
                *(near(weighing.errors(result, rate, against)) for against in ("median", "quiet", "bare")),
            ]
            yield f"| {' | '.join(cells)} |"


def near(errors: Sequence[float]) -> str:
    return f"{sum(abs(error) <= NEAR for error in errors)} of {len(errors)}"


def errors_of(result: Result) -> Iterator[str]:
    yield from heading(result["title"], *(f"{rate:g} Mbit/s" for rate in rates(result)))
    for name in result["costs"]:
        found = [speed(result, name, rate).error() for rate in rates(result)]
        cells = [f"{100 * error:+.0f} %" if error is not None else "" for error in found]
        yield f"| {name} | {' | '.join(cells)} |"


def counted(found: dict[str, Result]) -> Iterator[str]:
    yield from heading(
        "network", "turns", "bytes by the simulator's formats", "interface / runtime - 1", "at least 64 kB"
    )
    for result in found.values():
        exact, told = weighing.exact(result)
        off = weighing.bytes_off(result)
        large = [share for size, share in off if size >= 1 << 16]
        shares = [share for _, share in off]
        yield (
            f"| {result['title']} | {len(off)} | {exact} of {told} exact | {100 * min(shares):.2f} to "
            f"{100 * max(shares):.2f} % | {f'at most {100 * max(large):.2f} %' if large else 'none'} |"
        )


def spent(found: dict[str, Result]) -> Iterator[str]:
    """Where the time of a message goes, on the fastest link."""
    yield from heading(
        "network", "coding", "period", "compute", "encode", "decode", "processor, sender", "processor, receiver"
    )
    for result in found.values():
        rate = rates(result)[-1]
        for name in (
            weighing.REFERENCE,
            weighing.CALIBRATED,
            weighing.best(result, rate, spikes=True, only_equal=False),
        ):
            cost = weighing.cost_of(result, name) if name else None
            if not name or cost is None:
                continue
            chosen = rows(result, name, rate)
            used = [statistics.median(row["processor_ms"][end] / row["messages"] for row in chosen) for end in (0, 1)]
            cells = [
                result["title"],
                name,
                f"{speed(result, name, rate).period_ms:.2f}",
                " + ".join(f"{ms:.2f}" for ms in cost.compute_ms),
                f"{cost.hops[0].encode_ms:.2f}",
                f"{cost.hops[0].decode_ms:.2f}",
                *(f"{ms:.2f}" for ms in used),
            ]
            yield f"| {' | '.join(cells)} |"


def origin(found: dict[str, Result]) -> Iterator[str]:
    for name, result in found.items():
        made = result["provenance"]
        versions = ", ".join(f"{key} {value}" for key, value in made["versions"].items())
        turns = len({row["round"] for row in result["rows"]})
        yield (
            f"`links_{name}.json`: commit {made['commit']}, {versions}; {made['machine']} (shared with other work); "
            f"{turns} rounds, {result['seconds']:.0f} s."
        )
        yield ""


def figures(found: dict[str, Result]) -> str:
    lines = ["", *summary(found), ""]
    for name, result in found.items():
        lines += [f"![Speed over fp16: {result['title']}](results/links_{name}.svg)", "", *table(result), ""]
    lines += ["### Bytes", "", *counted(found), "", "### What `advise` says", "", *advised(found), ""]
    for result in found.values():
        lines += [*errors_of(result), ""]
    lines += ["### Where the time of a message goes (ms, fastest link)", "", *spent(found), "", *origin(found)]
    return "\n".join(lines)


def page(text: str, content: str) -> str:
    head, rest = text.split(MARKS[0])
    return f"{head}{MARKS[0]}\n{content}\n{MARKS[1]}{rest.split(MARKS[1])[1]}"


def main() -> int:
    found = results()
    text = README.read_text(encoding="utf-8")
    front = FRONT.read_text(encoding="utf-8")
    wanted = {README: page(text, figures(found)), FRONT: page(front, "\n".join(summary(found)))}
    wanted |= {HERE / "results" / f"links_{name}.svg": speeds(result) + "\n" for name, result in found.items()}
    if "--check" in sys.argv:
        stale = [path.name for path, new in wanted.items() if not path.exists() or path.read_text("utf-8") != new]
        print(f"stale: {', '.join(stale)}: run python experiments/runtime/report.py" if stale else "all as measured")
        return int(bool(stale))
    for path, new in wanted.items():
        path.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
