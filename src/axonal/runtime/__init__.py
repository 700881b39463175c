"""Run a partitioned model for real: processes, packed frames, counted bytes."""

__all__: list[str] = []
