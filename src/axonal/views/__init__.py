"""What people see of a comparison: a table for the terminal, a report for the browser, a trace for Perfetto.

And of a network on chip under load: curves, a map of its links, a page with both; and of a front of boundary codes.
"""

from axonal.views.files import Written, write, write_front, write_noc
from axonal.views.front_table import print_front
from axonal.views.html import html
from axonal.views.linkmap import link_map
from axonal.views.noc import noc_curves_page, noc_page
from axonal.views.perfetto import perfetto
from axonal.views.saturation import noc_curves
from axonal.views.terminal import print_result, table

__all__ = [
    "Written",
    "html",
    "link_map",
    "noc_curves",
    "noc_curves_page",
    "noc_page",
    "perfetto",
    "print_front",
    "print_result",
    "table",
    "write",
    "write_front",
    "write_noc",
]
