"""Run the study of boundary codes: `python experiments/pareto/run.py [DATA ...] [--data-dir DIR] [--quick]`.

Each line of `PLAN` is one `axonal pareto`: codes are screened with one seed, the members of a front confirmed with
three. Everything is cached and resumed; points land in `results/DATA.json`, which grows from line to line.
`--quick` runs three codes on the built-in digits for some seconds, to see that everything works.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

from axonal.study.front import FAMILIES

HERE = Path(__file__).parent

Stage = tuple[str, str, str | None]
"""Codes, seeds, and targets where they are not those of the recipe."""

PACKETS = "packets_graded3,packets_graded2,packets_ternary"
LATER = ("long", "adaptive", "chosen", "narrow", "block")
"""What came after the screening, in names."""

SCREENED = ",".join(
    name
    for name, item in FAMILIES.items()
    if not item.tokens and name != "sigma_delta" and not any(part in name for part in LATER)
)
"""All codes that images could have then."""

PLAN: dict[str, tuple[Stage, ...]] = {
    "digits": ((SCREENED, "0", "1.0,0.5,0.25"),),
    "fsdd": (
        ("graded,sigma_delta,bottleneck,int1,int2", "0,1,2", None),
        ("low_rank4,top_k,product", "0", None),
        ("low_rank4", "1,2,3", None),
        ("sigma_delta", "3,4,5", None),
    ),
    "fashion_mnist": (
        ("graded_block,low_rank4_block", "0,1,2", "0.25,0.12,0.06,0.03"),
        ("bottleneck_block", "0", "0.12,0.06,0.03"),
        ("graded_block_long", "0", "0.12"),
        ("graded,graded_adaptive,graded_chosen,int2,int1", "0", None),
        ("low_rank4", "0", "1.0,0.5,0.25"),
        ("top_k", "0", "1.0,0.5"),
        ("product", "0", "0.5,0.25"),
    ),
    "ptb_words": (
        ("graded_residual,int2", "0,1,2", "0.5,0.25,0.12"),
        ("bottleneck_residual", "0", "0.5,0.25,0.12"),
    ),
    "enwik8": (
        ("graded_residual,bottleneck_residual,int2,int2_long", "0", None),
        ("graded_residual_long", "0", "0.5,0.25"),
        ("graded_residual,int2", "1,2", None),
        ("graded_residual_narrow", "0,1,2", "0.5,0.25"),
        ("bottleneck_residual_narrow,graded_residual_adaptive", "0", "0.5"),
        ("graded_residual", "3", "0.5"),
        ("low_rank4,top_k,product", "0", "1.0"),
    ),
    "pydocs": ((PACKETS, "0", "1.0,0.5"),),
}
"""What was run, by dataset."""

EXTRA = {"digits": ("--steps", "8000,200"), "pydocs": ("rwkv", "--steps", "1200,200")}
"""Network and steps where they are not those of the recipe."""

QUICK: dict[str, tuple[Stage, ...]] = {"digits": (("graded,bottleneck,int2", "0", "0.5,0.25"),)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="*", help=f"some of {', '.join(PLAN)}; all when not given")
    parser.add_argument("--data-dir", type=Path, help="folder with the datasets")
    parser.add_argument("--cache", type=Path, help="folder for trained weights")
    parser.add_argument("--workers", type=int, default=2, help="processes that train at once")
    parser.add_argument("--out", type=Path, help="folder of the results; results/ beside this file when not given")
    parser.add_argument("--quick", action="store_true", help="three codes on the digits, to see that it works")
    given = parser.parse_args()
    plan = QUICK if given.quick else {name: PLAN[name] for name in given.data or PLAN}
    out = given.out or (HERE / "results" if not given.quick else Path("results/pareto-quick"))
    for data, stages in plan.items():
        for codes, seeds, targets in stages:
            words = [sys.executable, "-m", "axonal", "pareto", data, *EXTRA.get(data, ())]
            words += ["--codes", codes, "--seeds", seeds]
            words += ["--targets", targets] if targets else []
            words += ["--quick", "--steps", "60,20"] if given.quick else []
            words += ["--out", str(out), "--workers", str(given.workers)]
            for option in ("data_dir", "cache"):
                if getattr(given, option):
                    words += [f"--{option.replace('_', '-')}", str(getattr(given, option))]
            started = time.perf_counter()
            subprocess.run(words, check=True)
            print(f"{data} {codes}: {time.perf_counter() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
