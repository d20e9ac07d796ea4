"""Read what was recorded in metrics, as a scrape would."""

from prometheus_client import REGISTRY


def recorded(name: str, **labels: str) -> float:
    """Return the value of a sample (such as `thing_total`) with exactly these labels; 0 when there is none yet."""
    return REGISTRY.get_sample_value(name, labels) or 0.0
