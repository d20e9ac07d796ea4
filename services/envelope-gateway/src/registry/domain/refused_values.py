"""Values that the rules of the configuration refuse."""


class RefusedValue(ValueError):
    """A value is refused. `field` is the name of its input, and `problem` says what is wrong with it."""

    def __init__(self, problem: str, field: str | None = None, detail: str | None = None) -> None:
        super().__init__(detail or problem)
        self.field = field
        self.problem = problem
