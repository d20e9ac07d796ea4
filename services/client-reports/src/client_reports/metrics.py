"""Every metric of client-reports."""

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
    "client_reports_messages_repeated", "Messages that had been recorded before and were passed over."
)
OUTCOMES_UNCOUNTED = Counter(
    "client_reports_outcomes_uncounted", "Outcomes that lie in dead letters, not counted until they are replayed."
)
STEPS = Counter("client_reports_steps", "Steps of submissions written.")
STEPS_DROPPED = Counter(
    "client_reports_steps_dropped", "Steps beyond the limits of a submission or of a project's day."
)
PAYLOADS_DROPPED = Counter(
    "client_reports_payloads_dropped",
    "Payloads of refused submissions beyond the limits of a submission or of a project's day.",
)
SUBMISSIONS_ACCEPTED = Counter(
    "client_reports_submissions_accepted", "Refused submissions that were accepted afterwards."
)
PARTITIONS_DROPPED = Counter("client_reports_partitions_dropped", "Partitions dropped by age.", ["table"])
SERIES_FOLDED = Counter(
    "client_reports_series_folded", "Counts beyond a project's series of an hour, added to `other`."
)
ALERTS_FIRING = Gauge("client_reports_alerts_firing", "Alert rules that are firing.")
ALERT_FAILURES = Counter("client_reports_alert_failures", "Projects whose alert rules could not be evaluated.")
