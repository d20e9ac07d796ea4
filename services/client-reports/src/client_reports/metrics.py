"""Every metric of client-reports, declared once."""

from prometheus_client import Counter, Gauge

REPORTS = Counter("client_reports_reports", "Client reports read.")
REPORTS_INVALID = Counter(
    "client_reports_reports_invalid", "Client reports that break a rule of the protocol, by cause.", ["cause"]
)
ENTRIES = Counter("client_reports_entries", "Entries of client reports that were counted.")
ENTRIES_DROPPED = Counter(
    "client_reports_entries_dropped", "Entries of client reports that were not counted, by cause.", ["cause"]
)
MESSAGES_REPEATED = Counter(
    "client_reports_messages_repeated", "Messages that had been counted before and were passed over."
)
OUTCOMES_UNCOUNTED = Counter(
    "client_reports_outcomes_uncounted", "Outcomes that lie in dead letters, not counted until they are replayed."
)
STEPS = Counter("client_reports_steps", "Steps of submissions written.")
STEPS_DROPPED = Counter("client_reports_steps_dropped", "Steps past the bound of a submission.")
PARTITIONS_DROPPED = Counter("client_reports_partitions_dropped", "Partitions dropped by age.", ["table"])
ALERTS_FIRING = Gauge("client_reports_alerts_firing", "Alert rules that are firing.")
