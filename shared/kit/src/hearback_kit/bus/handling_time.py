"""The time that a handler has, and what a timeout says."""

from typing import Final

from hearback_kit.bus.options import ConsumerOptions

_HANDLING_SECONDS_MAX: Final = 40.0  # less than what counts as a hang


class HandlingTime:
    """Gives a handler more time after timeouts in a row.

    What a timeout cuts off, such as a database connection, the next attempt must make again; where that alone
    takes as long as attempts may, none would ever succeed. Renewal keeps the messages meanwhile.
    """

    def __init__(self, options: ConsumerOptions) -> None:
        self._options = options
        self._worked_since_timeout = False
        self._timeouts = 0  # in a row

    @property
    def seconds_max(self) -> float:
        """The seconds of the next attempt."""
        usual = self._options.batch_seconds_max
        return max(usual, min(usual * 2.0 ** min(self._timeouts, 10), _HANDLING_SECONDS_MAX))

    def worked(self) -> None:
        """Note that messages were handled in time."""
        self._worked_since_timeout = True
        self._timeouts = 0

    def timed_out(self) -> float | None:
        """Return for how many seconds to wait, since everything is slow; None when it is this message alone."""
        alone, self._worked_since_timeout = self._worked_since_timeout, False
        if alone:  # others went through since the last one
            return None
        options = self._options
        wait: float = min(options.retry_seconds_max, options.outage_seconds * 2.0 ** min(self._timeouts, 10))
        self._timeouts += 1
        return wait
