"""Every metric of user-reports."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

EVENTS: Final = Counter("user_reports_events", "Error events by what became of them.", ["result"])
REPORTS: Final = Counter("user_reports_reports", "Reports by what became of them.", ["result", "source"])
LINKED: Final = Counter("user_reports_linked", "Reports linked to their event.", ["way"])
SWEEP_SECONDS: Final = Histogram("user_reports_sweep_seconds", "Duration of a sweep over waiting reports.")
SWEEP_INCOMPLETE: Final = Counter("user_reports_sweep_incomplete", "Sweeps that met their deadline.")
WAITING: Final = Gauge("user_reports_waiting", "Reports in the sweep's window that wait for their event.")
EXPIRED: Final = Counter("user_reports_expired", "Rows removed by retention.", ["kind"])
