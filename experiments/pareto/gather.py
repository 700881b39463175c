"""Add points that were made elsewhere: `python experiments/pareto/gather.py FILE ...`.

Each file is what `axonal pareto` wrote on another machine, where the same recipe ends in another dense network.
`axonal pareto` itself keeps the points of one dense network apart from those of another. Here they stand
together: each names the quality of the network it was trained from, and losses are against that.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from axonal.study.front.results import in_order, place, read_points, write_points

RESULTS = Path(__file__).parent / "results"
SAME = ("data", "network", "system")


def added(path: Path) -> tuple[Path, int]:
    """Add the points of a file to those of its data; the file that was written, and how many there are."""
    new = read_points(path)
    if not new:
        raise SystemExit(f"{path} has no points")
    target = RESULTS / f"{new[0]['data']}.json"
    points = read_points(target)
    for point in new:
        wrong = [name for name in SAME if points and point[name] != points[0][name]]
        if wrong:
            raise SystemExit(f"{path}: {wrong[0]} is {point[wrong[0]]}, must be {points[0][wrong[0]]} as in {target}")
        if place(point) in map(place, points):
            raise SystemExit(f"{path}: {place(point)} is in {target} already: take it out of one of them")
        points.append(point)
    write_points(in_order(points), target)
    return target, len(points)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    for path in parser.parse_args().files:
        target, count = added(path)
        print(f"{target.name}: {count} points")


if __name__ == "__main__":
    main()
