"""Every metric of the notifier."""

from prometheus_client import Counter, Gauge, Histogram

DECISIONS = Counter("notifier_decisions", "Decisions on created feedback, by rule.", ["rule"])
DELIVERIES = Counter("notifier_deliveries", "Deliveries by channel and result.", ["channel", "result"])
PENDING = Gauge("notifier_deliveries_pending", "Deliveries that wait to be sent; 10,000 at most.")
DESTINATIONS_OFF = Gauge(
    "notifier_destinations_off", "Destinations that are switched off after a permanent error."
)
DELIVERY_SECONDS = Histogram("notifier_delivery_seconds", "Time of one attempt, by channel.", ["channel"])
