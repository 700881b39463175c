"""A small system file, and edits of it that must hit."""

from __future__ import annotations

from pathlib import Path

from axonal.hardware import Problem, check

TWO_CHIPS = """\
schema: 1
name: pair
description: two small dies
packet_header: {value: 16 bit, source: assumed}
dies:
  compute:
    mesh: 4x2
    core:
      clock: {value: 500 MHz, source: assumed}
      lanes: {value: 8, source: assumed}
      sram: {value: 64 KiB, source: assumed}
      leakage: {value: 20 uW, source: assumed}
      mac_energy: {value: 20 fJ, source: assumed}
      accumulate_energy: {value: 0.01 pJ, source: assumed}
      elementwise_energy: {value: 0.02 pJ, source: assumed}
      sram_read_energy: {value: 50 fJ/bit, source: assumed}
      sram_write_energy: {value: 0.06 pJ/bit, source: assumed}
    noc:
      clock: {value: 1 GHz, source: assumed}
      flit: {value: 4 B, source: assumed}
      hop_latency: {value: 3 cycles, source: assumed}
      hop_energy: {value: 0.1 pJ/bit, source: assumed}
chips:
  - {name: left, die: compute, at: [0, 0]}
  - {name: right, die: compute, at: [1, 0]}
links:
  wire:
    bandwidth: {value: 2 GB/s, source: assumed}
    latency: {value: 5000 ps, source: assumed}
    energy: {value: 1 pJ/bit, source: assumed}
    idle_power: {value: 1 mW, source: assumed}
    between:
      - [left, right]
"""

ALL_KEYS = """\
schema: 1
name: all_keys
description: two small dies with every key that a file may have
packet_header: {value: 16 bit, source: assumed}
dies:
  compute:
    mesh: 4x4
    core:
      clock: {value: 500 MHz, source: assumed}
      lanes: {value: 8, source: assumed}
      sram: {value: 64 KiB, source: assumed}
      leakage: {value: 20 uW, source: assumed}
      mac_energy: {value: 20 fJ, source: assumed}
      accumulate_energy: {value: 0.01 pJ, source: assumed}
      elementwise_energy: {value: 0.02 pJ, source: assumed}
      sram_read_energy: {value: 50 fJ/bit, source: assumed}
      sram_write_energy: {value: 0.06 pJ/bit, source: assumed}
      neuron_update_energy: {value: 3 pJ, source: assumed}
      spike_energy: {value: 4 pJ, source: assumed}
      packet_energy: {value: 5 pJ, source: assumed}
    noc:
      clock: {value: 1 GHz, source: assumed}
      flit: {value: 4 B, source: assumed}
      hop_latency: {value: 7 cycles, source: assumed}
      router_energy: {value: 0.1 pJ/bit, source: assumed}
      wire_energy: {value: 0.05 pJ/bit, source: assumed}
      topology: torus
      routing: yx
      router:
        vcs: {value: 2, source: assumed}
        buffer: {value: 6 flits, source: assumed}
        routing: {value: 1 cycle, source: assumed}
        vc_allocation: {value: 1 cycle, source: assumed}
        switch_allocation: {value: 2 cycles, source: assumed}
        traversal: {value: 1 cycle, source: assumed}
        link: {value: 3 cycles, source: assumed}
        speculative: true
        credit_delay: {value: 1 cycle, source: assumed}
        leakage: {value: 2 uW, source: assumed}
chips: {die: compute, grid: 2x1}
links:
  wire:
    bandwidth: {value: 2 GB/s, source: assumed}
    latency: {value: 5000 ps, source: assumed}
    energy: {value: 1 pJ/bit, source: assumed}
    idle_power: {value: 1 mW, source: assumed}
    serialiser_energy: {value: 0.25 pJ/bit, source: assumed}
    buffer: {value: 32 flits, source: assumed}
    ports: {value: 2, source: assumed}
    between: neighbours
profiles:
  dear:
    links.wire.energy: {value: 10 pJ/bit, source: a paper}
    dies.compute.core.mac_energy: {value: 230 fJ, source: another paper}
"""
"""A file with every key."""


def edited(*edits: tuple[str, str], text: str = TWO_CHIPS) -> str:
    """The text with each old piece, which must be there once, replaced."""
    for old, new in edits:
        assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
        text = text.replace(old, new)
    return text


def line_of(piece: str, text: str) -> int:
    """Line of the first occurrence, from 1."""
    return text[: text.index(piece)].count("\n") + 1


def problems(folder: Path, text: str | bytes) -> tuple[Problem, ...]:
    """What `check` says of a file with that content."""
    path = folder / "file.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return check(path)
