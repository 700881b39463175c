"""From an ordinary `nn.Module` to a `Workload`."""

from axonal.tracing.workloads import record, trace

__all__ = ["record", "trace"]
