"""Datasets with fixed splits and checksums: `load`, and batches made from them.

Two sets need no file (`digits`, `pydocs`); the others are read from a local
folder. Nothing here ever opens a network connection.
"""

from axonal.data.batches import random_windows, shuffled, windows
from axonal.data.catalog import describe, load, names
from axonal.data.dataset import Dataset, Description, Split

__all__ = ["Dataset", "Description", "Split", "describe", "load", "names", "random_windows", "shuffled", "windows"]
