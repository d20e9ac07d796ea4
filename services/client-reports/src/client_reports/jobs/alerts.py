"""Evaluate the alert rules again and again."""

from client_reports.service.evaluate_alerts import AlertEvaluator


class AlertJob:
    """Evaluates every alert rule that is on."""

    def __init__(self, evaluator: AlertEvaluator) -> None:
        self._evaluator = evaluator

    async def __call__(self) -> None:
        """Evaluate once."""
        await self._evaluator.evaluate()
