"""Memory that starting used."""

import gc

from hearback_kit.memory import YOUNG_OBJECTS_MAX, freeze_gc, release_unused


def test_giving_memory_back_is_tried_whatever_the_system() -> None:
    for _ in range(2):
        release_unused()


def test_what_was_built_is_not_collected_and_the_rest_rarely() -> None:
    before = gc.get_threshold()
    try:
        freeze_gc()
        assert gc.get_freeze_count() > 0
        assert gc.get_threshold()[0] == YOUNG_OBJECTS_MAX
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
