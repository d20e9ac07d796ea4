"""Timeouts of handlers."""

from typing import Final

from hearback_kit.bus.options import ConsumerOptions

_HANDLING_SECONDS_MAX: Final = 40.0  # less than what counts as a hang


class HandlingTime:
    """Extends a handler's timeout after consecutive timeouts.

    After a timeout, the next attempt has to reconnect to the database, for example; if that alone took longer than
    the timeout, no attempt would ever succeed. Renewal keeps the messages meanwhile.
    """

    def __init__(self, options: ConsumerOptions) -> None:
        self._options = options
        self._worked_since_timeout = False
        self._timeouts = 0  # in a row

    @property
    def seconds_max(self) -> float:
        """The timeout of the next attempt, in seconds."""
        usual = self._options.batch_seconds_max
        return max(usual, min(usual * 2.0 ** min(self._timeouts, 10), _HANDLING_SECONDS_MAX))

    def worked(self) -> None:
        """Note a success."""
        self._worked_since_timeout = True
        self._timeouts = 0

    def timed_out(self) -> float | None:
        """Note a timeout; return the seconds to pause if everything is slow, None if only this message is."""
        alone, self._worked_since_timeout = self._worked_since_timeout, False
        if alone:  # others went through since the last one
            return None
        options = self._options
        wait: float = min(options.retry_seconds_max, options.outage_seconds * 2.0 ** min(self._timeouts, 10))
        self._timeouts += 1
        return wait
