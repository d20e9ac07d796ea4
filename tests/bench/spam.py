"""Precision and recall of the spam filter on texts it was not trained on, per language and kind, and its speed."""

import sys
import time
from collections import defaultdict
from importlib import util
from pathlib import Path
from types import ModuleType

from feedback.domain.spam_classifier import Classifier, Prior

from tests.bench.model import Options, Row, table

TRAINING = Path(__file__).parents[2] / "services/feedback/training"
KINDS = ("backlinks", "seo", "crypto", "casino", "pills", "adult", "loan", "guest", "gibberish", "prompt")


def _train_module() -> ModuleType:
    spec = util.spec_from_file_location("spam_training", TRAINING / "train.py")
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    sys.modules["spam_training"] = module
    spec.loader.exec_module(module)
    return module


def _print_recall(shipped: Classifier, spam: dict[str, list[tuple[str, str]]]) -> None:
    total: dict[str, int] = defaultdict(int)
    caught: dict[str, int] = defaultdict(int)
    for language, pairs in spam.items():
        for kind, text in pairs:
            found = shipped.judge(text).is_spam
            if not found and "-v" in sys.argv:
                print("missed", kind, language, text)
            for group in (f"kind {kind}", f"language {language}", "all"):
                total[group] += 1
                caught[group] += found
    for group in sorted(total):
        print(f"recall, {group}: {caught[group]}/{total[group]} = {caught[group] / total[group]:.2f}")


def _print_left_out(training: ModuleType, spam: dict[str, list[tuple[str, str]]]) -> None:
    all_found = all_texts = 0
    for kind in KINDS:
        texts = [text for pairs in spam.values() for other, text in pairs if other == kind]
        model = Classifier(training.train(without=kind))
        found = sum(model.judge(text).is_spam for text in texts)
        all_found, all_texts = all_found + found, all_texts + len(texts)
        print(f"recall, {kind} left out of training: {found}/{len(texts)}")
    print(f"recall, each kind left out in turn: {all_found}/{all_texts} = {all_found / all_texts:.2f}")


def run(options: Options) -> list[Row]:
    """Measure; `-v` shows what was missed, `--left-out` trains without each kind in turn."""
    training = _train_module()
    ham, spam = training.read(TRAINING / "heldout")
    shipped = Classifier(Prior.decode((TRAINING.parent / "src/feedback/domain/spam_prior.bin").read_bytes()))
    lines = [text for texts in ham.values() for text in texts]
    false = [text for text in lines if shipped.judge(text).is_spam]
    print(f"ordinary feedback judged spam: {len(false)} of {len(lines)}", *false, sep="\n  ")
    _print_recall(shipped, spam)
    if "--left-out" in sys.argv:
        _print_left_out(training, spam)
    texts = lines + [text for pairs in spam.values() for _, text in pairs]
    row = Row("spam verdicts of one core", [], reach="≥ 2,000/s")
    for _ in range(options.rounds):
        start = time.process_time()
        for text in texts * 10:
            shipped.judge(text)
        seconds = time.process_time() - start
        row.per_second = [*row.per_second, 10 * len(texts) / seconds]
        row.cpu_us = [*row.cpu_us, 1e6 * seconds / (10 * len(texts))]
    return [row]


if __name__ == "__main__":
    print(table(run(Options())))
