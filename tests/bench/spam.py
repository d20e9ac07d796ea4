"""Precision and recall of the spam filter on texts it was not trained on, per language and kind, and its speed.

`heldout/` was seen while the filter was made; the `blind…/` were written before they were measured.
"""

import sys
import time
from collections import defaultdict
from importlib import util
from pathlib import Path
from types import ModuleType

from feedback.domain.spam import Content, judge
from feedback.domain.spam_classifier import Classifier, Prior

from tests.bench.model import Options, Row, table

TRAINING = Path(__file__).parents[2] / "services/feedback/training"
FOLDERS = ("heldout", "blind3", "blind4", "blind5", "blind6")
KINDS = ("backlinks", "seo", "crypto", "casino", "pills", "adult", "loan", "guest", "gibberish", "prompt")


def _train_module() -> ModuleType:
    spec = util.spec_from_file_location("spam_training", TRAINING / "train.py")
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    sys.modules["spam_training"] = module
    spec.loader.exec_module(module)
    return module


def _is_spam(model: Classifier, text: str) -> bool:
    """Whether the filter, which is the rules and the classifier, says spam."""
    return bool(judge(Content(text), model).is_spam)


def _print_recall(folder: str, shipped: Classifier, spam: dict[str, list[tuple[str, str]]]) -> None:
    total: dict[str, int] = defaultdict(int)
    caught: dict[str, int] = defaultdict(int)
    for language, pairs in spam.items():
        for kind, text in pairs:
            found = _is_spam(shipped, text)
            if not found and "-v" in sys.argv:
                print("missed", kind, language, text)
            for group in (f"kind {kind}", f"language {language}", "all"):
                total[group] += 1
                caught[group] += found
    for group in sorted(total):
        print(f"{folder}: recall, {group}: {caught[group]}/{total[group]} = {caught[group] / total[group]:.2f}")


def _print_ordinary(folder: str, shipped: Classifier, ham: dict[str, list[tuple[str, str]]]) -> None:
    total: dict[str, int] = defaultdict(int)
    false: dict[str, list[str]] = defaultdict(list)
    for language, pairs in ham.items():
        for kind, text in pairs:
            wrong = [text] if _is_spam(shipped, text) else []
            for group in (f"kind {kind}", f"language {language}", "all"):
                total[group] += 1
                false[group] += wrong
    for group in sorted(total):
        print(
            f"{folder}: ordinary judged spam, {group}: {len(false[group])}/{total[group]}",
            *false[group],
            sep="\n  ",
        )


def _print_left_out(training: ModuleType, sets: dict[str, dict[str, list[tuple[str, str]]]]) -> None:
    found: dict[str, int] = defaultdict(int)
    total: dict[str, int] = defaultdict(int)
    for kind in KINDS:
        model = Classifier(training.train(without=kind))
        for folder, spam in sets.items():
            texts = [text for pairs in spam.values() for other, text in pairs if other == kind]
            caught = sum(_is_spam(model, text) for text in texts)
            found[folder], total[folder] = found[folder] + caught, total[folder] + len(texts)
            print(f"{folder}: recall, {kind} left out of training: {caught}/{len(texts)}")
    for folder in sets:
        part = found[folder] / total[folder]
        print(f"{folder}: recall, each kind left out in turn: {found[folder]}/{total[folder]} = {part:.2f}")


def run(options: Options) -> list[Row]:
    """Measure the folders named, or all; `-v` shows misses, `--left-out` trains without each kind in turn."""
    training = _train_module()
    shipped = Classifier(Prior.decode((TRAINING.parent / "src/feedback/domain/spam_prior.bin").read_bytes()))
    texts: list[str] = []
    sets = {}
    for folder in [name for name in FOLDERS if name in sys.argv] or FOLDERS:
        ham, sets[folder] = training.read(TRAINING / folder)
        _print_ordinary(folder, shipped, ham)
        _print_recall(folder, shipped, sets[folder])
        texts += [text for pairs in ham.values() for _, text in pairs]
        texts += [text for pairs in sets[folder].values() for _, text in pairs]
    if "--left-out" in sys.argv:
        _print_left_out(training, sets)
    row = Row("spam verdicts of one core", [], reach="≥ 2,000/s")
    for _ in range(options.rounds):
        start = time.process_time()
        for text in texts * 5:
            _is_spam(shipped, text)
        seconds = time.process_time() - start
        row.per_second = [*row.per_second, 5 * len(texts) / seconds]
        row.cpu_us = [*row.cpu_us, 1e6 * seconds / (5 * len(texts))]
    return [row]


if __name__ == "__main__":
    print(table(run(Options())))
