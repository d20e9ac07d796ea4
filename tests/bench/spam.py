"""Precision and recall of the spam filter on texts it was not trained on, per language and kind, and its speed.

The sets of `heldout/` were written by others and first measured after the filter was made.
"""

import sys
import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from importlib import util
from pathlib import Path
from types import ModuleType
from typing import Any

from feedback.domain.spam import Content, judge
from feedback.domain.spam_classifier import Classifier, Prior
from feedback.domain.spam_concepts import CONCEPTS
from feedback.domain.spam_features import bucket

from tests.bench.model import Options, Row, table

TRAINING = Path(__file__).parents[2] / "services/feedback/training"
HELD_OUT = ("set13", "set14", "set15")
# Authors by the sets they wrote, and what was written in the light of these.
AUTHORS = {
    ("set1", "set2", "set3", "set4", "set5"): ("amounts", "joined", "later", "trades", "voices"),
    ("set6", "set7"): (),
    ("set8", "set9"): ("letters", "trades2", "voices2"),
    ("set10",): (),
    ("set11", "set12"): (),
    ("spare",): (),
}
# The ten classic kinds, with the concepts and signs that name them.
KINDS = {
    "backlinks": ("links",),
    "seo": ("ranking",),
    "crypto": ("coin",),
    "casino": ("bet",),
    "pills": ("pill",),
    "adult": ("sex", "date", "heart"),
    "loan": ("loan",),
    "guest": ("article",),
    "gibberish": ("gibberish", "only_gibberish", "mixed_case", *(f"odd:{n}" for n in range(1, 5))),
    "prompt": ("machine", "task", "compose", "genre", "role"),
}


Lines = dict[str, list[Any]]  # by language; a line has its kind, text, name, page and address


def _train_module() -> ModuleType:
    spec = util.spec_from_file_location("spam_training", TRAINING / "train.py")
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    sys.modules["spam_training"] = module
    spec.loader.exec_module(module)
    return module


def _is_spam(model: Classifier, line: Any) -> bool:
    """Whether the filter, which is the rules and the classifier, says spam."""
    return bool(judge(Content(line.text, line.name, (), line.page, line.email), model).is_spam)


def _print_recall(name: str, shipped: Classifier, spam: Lines) -> None:
    total: dict[str, int] = defaultdict(int)
    caught: dict[str, int] = defaultdict(int)
    for language, lines in spam.items():
        for line in lines:
            found = _is_spam(shipped, line)
            if not found and "-v" in sys.argv:
                print("missed", line.kind, language, line.text)
            classic = "the ten classic kinds" if line.kind in KINDS else "other kinds"
            for group in (f"kind {line.kind}", f"language {language}", classic, "all"):
                total[group] += 1
                caught[group] += found
    for group in sorted(total):
        print(f"{name}: recall, {group}: {caught[group]}/{total[group]} = {caught[group] / total[group]:.2f}")


def _print_ordinary(name: str, shipped: Classifier, ham: Lines) -> None:
    total: dict[str, int] = defaultdict(int)
    false: dict[str, list[str]] = defaultdict(list)
    for language, lines in ham.items():
        for line in lines:
            wrong = [line.text] if _is_spam(shipped, line) else []
            for group in (f"kind {line.kind}", f"language {language}", "all"):
                total[group] += 1
                false[group] += wrong
    for group in sorted(total):
        print(
            f"{name}: ordinary judged spam, {group}: {len(false[group])}/{total[group]}",
            *false[group],
            sep="\n  ",
        )


def _forget(prior: Prior, names: Collection[str]) -> Prior:
    """Return a prior to which the concepts and signs of these names say nothing, alone or beside others."""
    weights = prior.weights[:]
    for name in names:
        for key in (bucket("s", name), bucket("c", name)):
            weights[key] = 0.0
        for other in CONCEPTS:
            weights[bucket("cc", f"{name} {other}")] = weights[bucket("cc", f"{other} {name}")] = 0.0
    return replace(prior, weights=weights)


def _print_left_out(training: ModuleType, sets: Mapping[str, Lines]) -> None:
    """Train without each kind in turn; then also forget the concepts and signs that name it, and all rules."""
    sums = dict.fromkeys(sets, (0, 0, 0))
    for kind, names in KINDS.items():
        prior = training.train(without=kind)
        model, strict = Classifier(prior), Classifier(_forget(prior, names))
        for name, spam in sets.items():
            texts = [line for lines in spam.values() for line in lines if line.kind == kind]
            caught = sum(_is_spam(model, line) for line in texts)
            strictly = sum(strict.judge(*line[1:]).is_spam for line in texts)
            print(f"{name}: recall, {kind} left out: {caught}/{len(texts)}, and its names forgotten: {strictly}")
            found, strictly_found, total = sums[name]
            sums[name] = found + caught, strictly_found + strictly, total + len(texts)
    for name, (found, strictly, total) in sums.items():
        print(f"{name}: recall, each kind left out in turn: {found}/{total}, and its names: {strictly}/{total}")


def _print_authors(training: ModuleType) -> None:
    """Train without each author in turn and judge that author's texts: to see how an unknown one is read."""
    sums = [0] * 6
    for sets, more in AUTHORS.items():
        model = Classifier(training.train(without_sources={*sets, *more}))
        counts = [0] * 6
        for name in sets:
            folder = TRAINING / ("heldout" if name in HELD_OUT else "corpus") / name
            for part, column in zip(training.read(folder), (0, 2), strict=True):
                for line in (line for lines in part.values() for line in lines):
                    found = _is_spam(model, line)
                    for at in (column, *((4,) if column and line.kind in KINDS else ())):
                        counts[at] += found
                        counts[at + 1] += 1
        sums = [one + other for one, other in zip(sums, counts, strict=True)]
        print(f"without {' '.join(sets)}: {_shares(counts)}", flush=True)
    print(f"each author left out in turn: {_shares(sums)}")


def _shares(counts: Sequence[int]) -> str:
    names = ("ordinary judged spam", "spam caught", "of the ten classic kinds")
    return ", ".join(f"{name} {counts[2 * at]}/{counts[2 * at + 1]}" for at, name in enumerate(names))


def run(options: Options) -> list[Row]:
    """Measure the held-out sets.

    `-v` shows misses, `--left-out` trains without each kind, `--authors` without each author in turn.
    """
    training = _train_module()
    shipped = Classifier(Prior.decode((TRAINING.parent / "src/feedback/domain/spam_prior.bin").read_bytes()))
    sets = {name: training.read(TRAINING / "heldout" / name) for name in HELD_OUT}
    for name, (ham, spam) in sets.items():
        _print_ordinary(name, shipped, ham)
        _print_recall(name, shipped, spam)
    if "--left-out" in sys.argv:
        _print_left_out(training, {name: spam for name, (_, spam) in sets.items()})
    texts = [line for both in sets.values() for part in both for lines in part.values() for line in lines]
    if "--authors" in sys.argv:
        _print_authors(training)
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
