"""Memory that starting used."""

from hearback_kit.memory import release_unused


def test_giving_memory_back_is_tried_whatever_the_system() -> None:
    for _ in range(2):
        release_unused()
