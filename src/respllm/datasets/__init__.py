"""From a dataset's folder, in its official layout, to typed records."""

from respllm.datasets.dataset import Dataset, DatasetContents
from respllm.datasets.index import IndexRow, published_index
from respllm.datasets.registry import DATASETS, load_contents, load_records

__all__ = [
    "DATASETS",
    "Dataset",
    "DatasetContents",
    "IndexRow",
    "load_contents",
    "load_records",
    "published_index",
]
