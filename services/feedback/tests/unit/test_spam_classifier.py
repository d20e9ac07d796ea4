"""The spam classifier: reproducible, right on texts it has not seen, and taught by a person's marks."""

import json
import subprocess
import sys
from hashlib import sha256
from importlib import util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from feedback.domain.spam import Content, judge
from feedback.domain.spam_classifier import CLEARED_MAX, TAUGHT_WEIGHTS_MAX, Classifier, Prior, Taught, digest
from feedback.domain.spam_features import BUCKETS, extract
from hypothesis import given
from hypothesis import strategies as st

SERVICE = Path(__file__).parents[2]
PRIOR = Prior.decode((SERVICE / "src/feedback/domain/spam_prior.bin").read_bytes())
SHIPPED = Classifier(PRIOR)
HELD_OUT = [SERVICE / f"training/heldout/set{number}" for number in (13, 14, 15)]
SAID_BY_ANYBODY = 20  # characters: "works again" is written by many
SPAM = "Buy cheap viagra online https://pills.top"
# A campaign of a kind that the prior does not know.
CAMPAIGN = [
    f"The {town} choir sings {work} at {field} weddings, {price} singers in fine robes"
    for town in ("Berlin", "Paris", "London")
    for work in ("hymns", "madrigals", "waltzes")
    for field in ("summer", "winter")
    for price in (20, 30)
]

# In a process of its own, where coverage does not slow down each line.
TRAINING = """
import sys
from pathlib import Path
import train

Path(sys.argv[1]).write_bytes(train.half().encode())
"""


@pytest.fixture(scope="module")
def training() -> ModuleType:
    spec = util.spec_from_file_location("spam_training", SERVICE / "training/train.py")
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    sys.modules["spam_training"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def half_trained(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The prior that half a training gives."""
    file = tmp_path_factory.mktemp("trained") / "half"
    command = [sys.executable, "-c", TRAINING, str(file)]
    done = subprocess.run(command, cwd=SERVICE / "training", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return file.read_bytes()


@pytest.mark.timeout(600)  # a training of seconds, on cores that others use, too
def test_training_gives_the_bytes_it_gave(training: ModuleType, half_trained: bytes) -> None:
    """Half a training does; whether the prior is from the whole one of today's texts and code is in the record."""
    made = json.loads(training.MADE.read_text())
    assert sha256(half_trained).hexdigest() == made["half"]
    assert training.made_from() == made["made_from"], "run services/feedback/training/train.py"


@pytest.mark.parametrize(
    ("changed", "added", "is_other"),
    [
        *[(name, b"\nMORE = 1\n", True) for name in ("train.py", "spam_words.py")],
        *[(name, b'\n"""A text."""  # a comment\n', False) for name in ("train.py", "spam_words.py")],
        *[(name, b"\n", True) for name in ("spam_prior.bin", "ham.en.txt")],
    ],
)
def test_whatever_the_prior_is_made_from_is_in_the_record(
    changed: str, added: bytes, is_other: bool, training: ModuleType, tmp_path: Path
) -> None:
    wanted = [path for path in training.inputs(SERVICE) if path.name == changed]
    assert wanted
    for path in training.inputs(SERVICE)[-40:] + wanted[:1]:
        copy = tmp_path / path.relative_to(SERVICE)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    before = training.made_from(tmp_path)
    assert before == training.made_from(tmp_path)
    with next(tmp_path.rglob(changed)).open("ab") as file:
        file.write(added)
    assert (training.made_from(tmp_path) != before) is is_other


def test_no_sentence_is_both_trained_and_measured(training: ModuleType) -> None:
    sources = [path for path in sorted(training.CORPUS.iterdir()) if path.is_dir()]
    trained = {line.text for line in _lines(training, *sources)}
    held_out = [path for path in sorted((SERVICE / "training/heldout").iterdir()) if path.is_dir()]
    measured = {line.text for line in _lines(training, *held_out) if len(line.text) > SAID_BY_ANYBODY}
    assert set(HELD_OUT) == set(held_out)
    assert trained & measured == set()
    assert len(trained) > 3_000
    assert len(measured) > 300


def test_held_out_texts_are_judged_as_measured(training: ModuleType) -> None:
    """What README.md of the training says of these sets, with a little room."""
    ordinary, unwanted = _ordinary(training), _spam(training, *HELD_OUT)
    false = [line for line in ordinary if _is_spam(SHIPPED, line)]
    missed = [line for line in unwanted if not _is_spam(SHIPPED, line)]
    assert len(false) <= 7, false
    assert len(missed) <= 13, missed


@pytest.mark.timeout(600)  # a training of seconds, on cores that others use, too
def test_most_of_a_kind_left_out_of_training_is_caught(training: ModuleType, half_trained: bytes) -> None:
    without = Classifier(Prior.decode(half_trained))
    lines = [line for line in _spam(training, HELD_OUT[0]) if line.kind == training.LEFT_OUT]
    caught = [line for line in lines if _is_spam(without, line)]
    assert len(caught) >= 0.6 * len(lines)


def _lines(training: ModuleType, *folders: Path) -> list[Any]:
    read = [training.read(folder) for folder in folders]
    return [line for both in read for texts in both for lines in texts.values() for line in lines]


def _ordinary(training: ModuleType) -> list[Any]:
    read = [training.read(folder)[0] for folder in HELD_OUT]
    return [line for ham in read for lines in ham.values() for line in lines]


def _spam(training: ModuleType, *folders: Path) -> list[Any]:
    read = [training.read(folder)[1] for folder in folders]
    return [line for spam in read for lines in spam.values() for line in lines]


def _is_spam(model: Classifier, line: Any) -> bool:
    return bool(judge(Content(line.text, line.name, (), line.page, line.email), model).is_spam)


@pytest.mark.parametrize(
    ("text", "is_mashed"),
    [
        ("asdfgh lkjhgf", True),
        ("ывапр йцукен", True),
        ("fqhw8 klp92", True),
        ("were we there", False),
        ("30min 100km", False),
    ],
)
def test_words_of_neighbouring_keys_and_codes_are_gibberish(text: str, is_mashed: bool) -> None:
    assert ("gibberish" in extract(text).signs) == is_mashed


def test_ten_marks_reach_the_rest_of_a_campaign(training: ModuleType) -> None:
    assert sum(SHIPPED.judge(text).is_spam for text in CAMPAIGN) < len(CAMPAIGN) / 4
    taught = Taught()
    for text in CAMPAIGN[::3][:10]:
        taught = Classifier(PRIOR, taught).teach(text, is_spam=True)
    judge = Classifier(PRIOR, Taught.decode(taught.encode())).judge
    assert [text for text in CAMPAIGN if not judge(text).is_spam] == []
    ordinary = [line.text for line in _ordinary(training)]
    before = [text for text in ordinary if SHIPPED.judge(text).is_spam]
    assert [text for text in ordinary if judge(text).is_spam] == before


def test_one_mark_clears_the_same_words_whatever_their_form() -> None:
    assert SHIPPED.judge(SPAM).is_spam
    judge = Classifier(PRIOR, SHIPPED.teach(SPAM, is_spam=False)).judge
    assert not judge(SPAM).is_spam
    assert not judge("  BUY cheap viagra -- online! http://other.top").is_spam
    assert judge("Sexy singles are waiting for your message https://hot.live").is_spam


def test_a_mark_as_spam_takes_a_clearance_back() -> None:
    cleared = SHIPPED.teach(SPAM, is_spam=False)
    again = Classifier(PRIOR, cleared).teach(SPAM, is_spam=True)
    assert Classifier(PRIOR, again).judge(SPAM).is_spam


def test_what_is_taught_is_bounded() -> None:
    taught = Taught(cleared=tuple(digest(f"text {number}") for number in range(CLEARED_MAX)))
    after = Classifier(PRIOR, taught).teach(SPAM, is_spam=False)
    assert len(after.cleared) == CLEARED_MAX
    assert after.cleared[-1] == digest(SPAM)
    full = Taught(dict.fromkeys(range(TAUGHT_WEIGHTS_MAX), 9.0))
    assert len(Classifier(PRIOR, full).teach(CAMPAIGN[0], is_spam=True).weights) == TAUGHT_WEIGHTS_MAX


def test_reasons_name_words_and_signs() -> None:
    reasons = SHIPPED.judge(SPAM).reasons
    assert any(reason.startswith("word:") for reason in reasons)
    assert SHIPPED.judge("The button is dead").reasons == ()
    foreign = SHIPPED.judge(SPAM, page="https://shop.example/").reasons
    assert "link to another site: pills.top" in foreign
    assert not any("another site" in reason for reason in reasons)


@pytest.mark.parametrize(
    ("text", "site", "is_spam"),
    [
        ("FREE LIVE SEX CAMS no signup http://xxxcams-free.live", "xxxcams-free.live", True),
        (
            "SEND 0.1 BTC RECEIVE 0.2 BTC BACK!!! giveaway ends tonight http://btc-doubler.live",
            "btc-doubler.live",
            True,
        ),
        ("200 FREE SPINS + $1500 BONUS, no deposit needed! luckyspin777.bet", "luckyspin777.bet", True),
        ("My 20 free spins on luckyspin777.bet are gone after the update", "luckyspin777.bet", False),
        ("https://hostbay.io/kb/dkim step 4: the selector should be hb1", "hostbay.io", False),
    ],
)
def test_no_page_that_a_sender_names_makes_an_advertisement_good(text: str, site: str, is_spam: bool) -> None:
    assert SHIPPED.judge(text, page=f"https://{site}/").is_spam is is_spam
    assert not is_spam or SHIPPED.judge(text, page="https://shop.example/help").is_spam


@pytest.mark.parametrize("data", [b"", b"HBS1", b"XXXX" + bytes(40)])
def test_a_prior_of_another_form_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="spam prior"):
        Prior.decode(data)


@given(st.text(max_size=3_000), st.text(max_size=50))
def test_every_text_can_be_judged_and_taught(message: str, name: str) -> None:
    features = extract(message, name)
    assert all(0 <= key < BUCKETS for key in features.buckets)
    assert bool(SHIPPED.judge(message, name).reasons) <= SHIPPED.judge(message, name).is_spam
    for is_spam in (True, False):
        taught = SHIPPED.teach(message, name, is_spam=is_spam)
        assert Taught.decode(taught.encode()).cleared == taught.cleared
