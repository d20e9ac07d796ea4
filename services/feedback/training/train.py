"""Train the prior of the spam classifier from the sources below `corpus/`; the same texts give the same bytes.

`made.json` says what the prior was made from, and what half a training gives, by digests that a test looks at.

usage: python services/feedback/training/train.py [--without KIND] [--out FILE]
"""

import argparse
import ast
import json
import math
import random
import re
import sys
from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from feedback.domain.spam_classifier import WORDS, Prior, weighed
from feedback.domain.spam_concepts import concepts_of
from feedback.domain.spam_features import BUCKETS, extract
from feedback.domain.spam_links import KNOWN, links_of
from feedback.domain.spam_words import Words

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"
OUT = HERE.parent / "src/feedback/domain/spam_prior.bin"
MADE = HERE / "made.json"
LEFT_OUT = "casino"  # of half a training
SEED, ROUNDS, RUNS, EPOCHS, RATE, DECAY = 20261128, 2, 2, 2, 0.35, 3e-3  # the runs' weights are averaged
THRESHOLD = 0.5
WHOLE = ("plain", "set")  # how the sources begin whose texts are whole messages, with their senders and pages
DROPPED_MAX = 0.6  # of a text's words in one step, so that no text is known by one of them
SPAM_WEIGHT = 0.5  # a person's words count more than a spammer's
ENDINGS = (
    "com",
    "com",
    "example",
    "example",
    "net",
    "org",
    "xyz",
    "top",
    "shop",
    "site",
    "online",
    "ru",
    "io",
    "club",
    "info",
    "live",
    "vip",
)
UNPLACED = 0.25  # of made-up pages; an app's feedback often comes from none
OWN_LINKS = 0.9  # of ordinary links
OFF_TOPIC = 0.3  # of ordinary texts that speak of wares, on pages whose address does not
ON_TOPIC = 0.1  # of spam on pages that are about what it sells
TOPICS = {
    "bet": "casino",
    "bonus": "bonus",
    "coin": "crypto",
    "date": "dating",
    "earn": "income",
    "invest": "trading",
    "links": "backlink",
    "loan": "loan",
    "money": "cash",
    "pill": "pharmacy",
    "ranking": "ranking",
    "sex": "porn",
    "slim": "diet",
    "social": "followers",
}
WORD = re.compile(r"[^\W_]+")
LINKED = 0.02  # of ordinary texts have an address put before or after
_SITE = re.compile(r"https?://[^/]+")
CHOICE = re.compile(r"\[([^\[\]]*\|[^\[\]]*)\]")
CHOICE_ROUNDS, TIMES_MAX = 3, 20
THINGS = ("save", "export", "login", "search", "report", "calendar", "profile", "upload", "inbox", "chart", "cart")
SLUGS = (
    "best",
    "super",
    "fast",
    "gold",
    "mega",
    "royal",
    "smart",
    "prime",
    "vip",
    "easy",
    "money",
    "star",
    "luck",
)


@dataclass(frozen=True)
class Text:
    """One training message."""

    message: str
    is_spam: bool
    language: str
    kind: str
    name: str = ""
    page: str = ""
    email: str = ""


class Line(NamedTuple):
    """A line of a file: what kind of text it is, who sent it, and on which page."""

    kind: str
    text: str
    name: str = ""
    page: str = ""
    email: str = ""


def read(folder: Path) -> tuple[dict[str, list[Line]], dict[str, list[Line]]]:
    r"""Read the lines of ordinary feedback and of spam by language.

    A line is `kind<TAB>text<TAB>name<TAB>page<TAB>address`; an ordinary one may be its text alone, and most have
    no more than that. `\n` in a text is a line break.
    """
    ham, spam = {}, {}
    for path in sorted(folder.glob("*.txt")):
        role, language, _ = path.name.split(".")
        lines = (line.replace("\\n", "\n") for line in path.read_text().splitlines() if line.strip())
        (ham if role == "ham" else spam)[language] = [_line(*line.split("\t")) for line in lines]
    return ham, spam


def _line(first: str, *more: str) -> Line:
    return Line(first, *more) if more else Line("ordinary", first)


class Example(NamedTuple):
    """What is learnt from a message: its words' buckets, and its other features with their scales."""

    words: list[int]
    others: list[tuple[list[int], float]]
    is_spam: bool
    kind: str


class Filler:
    """Fills the slots of sentences with made-up values."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def fill(self, sentence: str, page: str = "") -> str:
        """Return the sentence with one of each `[a|b]` chosen and its slots filled, `{url}` by the page."""
        self._site = _SITE.match(page)
        sentence = CHOICE.sub(lambda found: self._pick(*found[1].split("|")), sentence)
        for slot in ("thing", "url", "link", "email", "phone", "amount", "percent", "number", "handle", "coin",
                     "person", "junk"):  # fmt: skip
            while f"{{{slot}}}" in sentence:
                sentence = sentence.replace(f"{{{slot}}}", str(getattr(self, f"_{slot}")()), 1)
        return sentence

    def page(self, line: "Line", is_spam: bool) -> str:
        """Return the page of a text, or a made-up one: mostly the one it links to, if it is no spam."""
        if self._chance.random() < UNPLACED:
            return ""
        if line.page:
            return line.page
        if not is_spam and self._chance.random() < OWN_LINKS:
            for link in links_of(line.text, None):
                if link.belongs != KNOWN:
                    return f"https://{link.host}/"
        about = self._topic(line.text, is_spam)
        host = f"{self._letters(3, 6)}{about}" if about else self._letters(4, 9)
        return f"https://{self._pick('', 'www.', 'app.')}{host}.{self._pick(*ENDINGS[:6])}/"

    def _topic(self, text: str, is_spam: bool) -> str:
        """Return what the host of an ordinary text's page says it is about, or that of some spam's."""
        if self._chance.random() < (OFF_TOPIC if not is_spam else 1 - ON_TOPIC):
            return ""
        wares = {ware for word in WORD.findall(text.casefold()) for ware in concepts_of(word) if ware in TOPICS}
        return self._pick(*(TOPICS[ware] for ware in sorted(wares))) if wares else ""

    def _pick(self, *values: str) -> str:
        return self._chance.choice(values)

    def _thing(self) -> str:
        return self._pick(*THINGS)

    def _letters(self, few: int, many: int) -> str:
        return "".join(self._chance.choices("abcdefghijklmnopqrstuvwxyz", k=self._chance.randint(few, many)))

    def _url(self) -> str:
        """Return an address as people paste it: of the product, or of a place for code, pictures and videos."""
        if self._chance.random() < 0.3:
            place = self._pick("github.com/acme/shop/issues", "imgur.com/a", "youtu.be", "gist.github.com/ada",
                               "drive.google.com/file/d", "stackoverflow.com/questions", "{letters}.example/a",
                               "{letters}.dev/docs", "{letters}.org/news")  # fmt: skip
            return f"https://{place.replace('{letters}', self._letters(4, 9))}/{self._letters(4, 9)}"
        if self._site:
            return self._site[0] + self._pick("/settings", "/orders/1234", "/help", "/account/billing", "")
        host = self._pick("app", "www", "docs", "shop", "help") + self._pick(".example", ".acme", ".mysite", "")
        host = self._pick(
            f"{host}.{self._pick('com', 'org', 'net', 'de', 'fr', 'jp', 'co.uk', 'io', 'example')}",
            "localhost:3000",
        )
        scheme = "" if self._chance.random() < 0.1 else "https://"
        path = self._pick("settings", "orders/1234", "help", "account/billing", "projects/7/edit?tab=2", "")
        return f"{scheme}{host}/{path}"

    def _link(self) -> str:
        if self._chance.random() < 0.15:
            return self._pick(
                "https://bit.ly/", "https://t.me/", "https://tinyurl.com/", "https://cutt.ly/"
            ) + self._letters(4, 8)
        host = self._pick(*SLUGS) + self._pick("", "-") + self._pick(*SLUGS, self._letters(3, 7))
        scheme = self._pick("http://", "https://", "https://www.", "www.", "", "", "")
        return f"{scheme}{host}.{self._pick(*ENDINGS)}" + self._pick("", "/", f"/{self._letters(3, 8)}")

    def _email(self) -> str:
        local = self._letters(3, 8) + self._pick("", ".", "_") + self._letters(2, 6)
        return f"{local}@{self._pick('gmail.com', 'example.com', 'mail.ru', 'web.de', 'outlook.com')}"

    def _phone(self) -> str:
        country, area = self._chance.randint(1, 99), self._chance.randint(100, 999)
        return f"+{country} {area} {self._chance.randint(1000000, 9999999)}"

    def _amount(self) -> int:
        return self._chance.choice((50, 100, 150, 200, 500, 1000, 5000, 10000))

    def _percent(self) -> int:
        return self._chance.choice((2, 5, 10, 30, 50, 80, 100, 200, 300))

    def _number(self) -> int:
        return self._chance.randint(1000, 99999999)

    def _handle(self) -> str:
        return "@" + self._letters(5, 10)

    def _coin(self) -> str:
        return self._pick("ETH", "USDT", "SOL", "Bitcoin", "XRP")

    def _person(self) -> str:
        return self._pick("Anna Smith", "Mary Jones", "Elena Lopez", "Linda Brown")

    def _junk(self) -> str:
        return self._letters(5, 12) if self._chance.random() < 0.8 else self._letters(3, 6) + str(self._number())


def messages(folder: Path, chance: random.Random, rounds: int, without: str = "") -> Iterator[Text]:
    """Join sentences of a folder into messages of one to four sentences; leave whole messages as they are."""
    ham, spam = read(folder)
    filler = Filler(chance)
    fill = filler.fill
    if folder.name.startswith(WHOLE):
        for lines_by_language, is_spam in ((ham, False), (spam, True)):
            for language, lines in lines_by_language.items():
                for kind, text, *sender in lines:
                    if kind != without:
                        yield Text(fill(text, "" if is_spam else sender[1]), is_spam, language, kind, *sender)
        return
    for _ in range(rounds):
        for language, ordinary in ham.items():
            lines = [line.text for line in ordinary]
            for first in (line for line in ordinary for _ in range(_times(line.text))):
                more = chance.choices(lines, k=chance.choice((0, 0, 0, 0, 1, 1, 2)))
                parts = [first.text, *more]
                # People paste a page's address before or after.
                if "{" not in first.text and chance.random() < LINKED:
                    parts.insert(chance.choice((0, len(parts))), "{url}")
                page = filler.page(first, is_spam=False)
                text = _case(chance, fill(" ".join(parts), page))
                yield Text(text, False, language, "ham", first.name, page, first.email)
        for language, unwanted in spam.items():
            left = [line for line in unwanted if line.kind != without]
            of_kind: dict[str, list[str]] = {}
            for line in left:
                of_kind.setdefault(line.kind, []).append(line.text)
            for first in (line for line in left for _ in range(_times(line.text))):
                more = chance.choices(of_kind[first.kind], k=chance.choice((0, 0, 0, 1, 1)))
                tail = (
                    [chance.choice(("{link}", "{link}", "{email}", "{handle}", ""))]
                    if chance.random() < 0.3
                    else []
                )
                text = _case(chance, fill(" ".join([first.text, *more, *tail])))
                page = filler.page(first, is_spam=True)
                yield Text(text, True, language, first.kind, first.name, page, first.email)


def _times(sentence: str) -> int:
    """Return how often a sentence leads in each round: one with choices stands for many."""
    options = sum(found[1].count("|") for found in CHOICE.finditer(sentence))
    return min(TIMES_MAX, CHOICE_ROUNDS + options // 6) if options else 1


def _case(chance: random.Random, text: str) -> str:
    draw = chance.random()
    return text.upper() if draw < 0.03 else text.lower() if draw < 0.15 else text


def train(
    folder: Path = CORPUS,
    without: str = "",
    rounds: int = ROUNDS,
    without_sources: Collection[str] = (),
    runs: int = RUNS,
) -> Prior:
    """Fit the weights to the messages of all sources; deterministic."""
    learnt, state = examples(folder, without, rounds, *without_sources)
    chance = random.Random()
    chance.setstate(state)
    return fit(learnt, chance, runs)


@lru_cache(maxsize=1)  # to read them takes half of the time
def examples(
    folder: Path, without: str, rounds: int, *without_sources: str
) -> tuple[tuple[Example, ...], tuple[Any, ...]]:
    """Return what is to be learnt from the messages of a corpus, and the state of chance after they were made."""
    chance = random.Random(SEED)
    table = _table()
    texts = _of_sources(folder, chance, rounds, without, without_sources)
    return tuple(_example(text, table) for text in texts), chance.getstate()


def _of_sources(
    folder: Path, chance: random.Random, rounds: int, without: str = "", without_sources: Collection[str] = ()
) -> Iterator[Text]:
    for source in sorted(path for path in folder.iterdir() if path.is_dir() and path.name not in without_sources):
        yield from messages(source, chance, rounds, without)


def _example(text: Text, table: Words) -> Example:
    features = extract(text.message, text.name, text.page, text.email, table)
    others = [(sorted(keys), scale) for keys, scale in weighed(replace(features, buckets=frozenset()))]
    return Example(sorted(features.buckets), others, text.is_spam, text.kind)


def half() -> Prior:
    """Fit the weights once to every other message, without one kind: a third of the work of `train`."""
    table = _table()
    texts = islice(_of_sources(CORPUS, random.Random(SEED), ROUNDS), 0, None, 2)
    learnt = [_example(text, table) for text in texts if text.kind != LEFT_OUT]
    return fit(learnt, random.Random(SEED), runs=1)


def inputs(service: Path) -> list[Path]:
    """Return what the prior is made from: texts, features, training, and itself, which has the table of words."""
    domain = service / "src/feedback/domain"
    texts, code = (service / "training/corpus").rglob("*.txt"), domain.glob("spam_*.py")
    return [*sorted(texts), *sorted(code), service / "training/train.py", domain / "spam_prior.bin"]


def made_from(service: Path = HERE.parent) -> str:
    """Return a digest of a service's `inputs`; of code, of what it does: not of comments and docstrings."""
    whole = sha256()
    for path in inputs(service):
        content = path.read_bytes()
        if path.suffix == ".py":
            content = json.dumps(_tree(ast.parse(content))).encode()
        whole.update(f"{path.relative_to(service).as_posix()} {len(content)}\n".encode())
        whole.update(content)
    return whole.hexdigest()


def _tree(node: Any) -> Any:
    """Return a syntax tree as JSON has it, without what is empty, which Pythons have differently."""
    if isinstance(node, list):
        return [_tree(part) for part in node if not _is_text(part)]
    if not isinstance(node, ast.AST):
        return repr(node)
    parts = {name: _tree(part) for name, part in ast.iter_fields(node) if part not in (None, [])}
    return {"kind": type(node).__name__, "parts": parts}


def _is_text(node: Any) -> bool:
    """Return whether a statement is a text alone, such as a docstring."""
    return (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    )


def fit(learnt: Iterable[Example], chance: random.Random, runs: int) -> Prior:
    """Fit the weights by stochastic gradient descent."""
    learnt = list(learnt)
    common = Counter(key for example in learnt if not example.is_spam for key in example.words)
    weights, bias = [0.0] * BUCKETS, 0.0
    for _ in range(runs):
        found, found_bias = _descend(learnt, chance)
        weights = [weight + more / runs for weight, more in zip(weights, found, strict=True)]
        bias += found_bias / runs
    most = max(common.values(), default=1)
    frequency = bytes(min(255, math.ceil(255 * common[key] / most)) for key in range(BUCKETS))
    return Prior(array("f", weights), frequency, bias, THRESHOLD, _table())


def _table() -> Words:
    return Prior.decode(OUT.read_bytes()).table  # `words.py` makes it


def _descend(learnt: list[Example], chance: random.Random) -> tuple[list[float], float]:
    """Return the weights and the bias."""
    weights, squares, bias = [0.0] * BUCKETS, [1e-3] * BUCKETS, 0.0
    draw, sqrt, weight_of, rate, decay = chance.random, math.sqrt, weights.__getitem__, RATE, DECAY
    for _ in range(EPOCHS):
        chance.shuffle(learnt)
        for words, others, is_spam, _ in learnt:
            kept = 1 - DROPPED_MAX * draw()
            some = [key for key in words if draw() < kept]
            sorts = [*others, (some, WORDS / sqrt(len(some) or 1))]
            score = bias + sum(scale * sum(map(weight_of, keys)) for keys, scale in sorts)
            error = (1.0 if is_spam else 0.0) - 1 / (1 + math.exp(-max(-30.0, min(30.0, score))))
            error *= SPAM_WEIGHT if is_spam else 1.0
            bias += 0.01 * error
            for keys, scale in sorts:
                step = error * scale
                for key in keys:
                    weight = weights[key]
                    slope = step - decay * weight
                    squares[key] = square = squares[key] + slope * slope
                    weights[key] = weight + rate * slope / sqrt(square)
    return weights, bias


def main() -> None:
    """Train and write the prior."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--without", default="", help="leave out one kind of spam")
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    data = train(without=given.without).encode()
    given.out.write_bytes(data)
    if given.out == OUT and not given.without:
        made = {"made_from": made_from(), "half": sha256(half().encode()).hexdigest()}
        MADE.write_text(json.dumps(made, indent=1) + "\n")
    sys.stdout.write(f"{given.out}: {len(data)} bytes\n")


if __name__ == "__main__":
    main()
