"""What people see of a comparison: a table for the terminal, a report for the browser, a trace for Perfetto."""

from axonal.views.files import Written, write
from axonal.views.html import html
from axonal.views.perfetto import perfetto
from axonal.views.terminal import print_result, table

__all__ = ["Written", "html", "perfetto", "print_result", "table", "write"]
