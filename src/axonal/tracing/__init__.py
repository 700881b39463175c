"""From an ordinary `nn.Module` to a `Workload`."""

from axonal.tracing.trace import record, trace

__all__ = ["record", "trace"]
