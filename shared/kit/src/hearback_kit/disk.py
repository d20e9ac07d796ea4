"""Free disk space as a metric."""

import math
import shutil
from pathlib import Path

from prometheus_client import Gauge

FREE = Gauge("hearback_disk_free_ratio", "Free part of the disk that holds HEARBACK_DATA_DIR, from 0 to 1.")


def watch_disk(folder: Path) -> None:
    """Measure the disk of a folder, or of its nearest existing parent, on each scrape."""
    FREE.set_function(lambda: _free_ratio(folder.absolute()))


def _free_ratio(folder: Path) -> float:
    try:
        usage = shutil.disk_usage(next(one for one in (folder, *folder.parents) if one.exists()))
    except OSError:  # a disk that does not answer must not cost the other metrics
        return math.nan
    return usage.free / usage.total
