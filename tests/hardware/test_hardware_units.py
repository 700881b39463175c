from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from types import ModuleType
from typing import get_args, get_type_hints

import pytest

from axonal import report, workload
from axonal.hardware import system

UNIT = re.compile(r"(^|_)(ns|pj|bits(_packed|_packetised)?|mw|ghz|cycles|per_s|per_ns|per_bit|ratio)$")
PURE_NUMBERS = {"macs", "accumulates", "elementwise_ops", "dense_macs", "events", "activity", "utilization"}


def float_fields(module: ModuleType) -> Iterator[str]:
    for name in module.__all__:
        kind = getattr(module, name)
        if is_dataclass(kind):
            hints = get_type_hints(kind)
            for field in fields(kind):
                hint = hints[field.name]
                if hint is float or float in get_args(hint):
                    yield field.name


@pytest.mark.parametrize("module", [workload, report, system])
def test_every_float_field_ends_in_its_unit_or_is_a_pure_number(module: ModuleType) -> None:
    names = set(float_fields(module))
    assert names
    assert {name for name in names if not UNIT.search(name)} <= PURE_NUMBERS
