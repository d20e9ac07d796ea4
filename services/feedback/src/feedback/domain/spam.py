"""Spam rules: each has a name and a weight, runs locally, and is shown with the verdict.

Each rule that fires adds its weight; from `SCORE_MIN` on the feedback is spam. No single sign that an honest
message may have (capitals, a bare link, haste) suffices. Spam is stored in the mailbox `ignored`, with the rules
that fired in `evidenceData.spam_signs`; a person's choice always wins.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from feedback.domain.facets import searchable
from feedback.domain.spam_classifier import Classifier
from feedback.domain.spam_links import OWN, page_site, read_link
from feedback.domain.spam_prompts import is_for_a_machine, orders_a_machine

SCORE_MIN: Final = 100
CLASSIFIER: Final = "classifier"  # the sign that the classifier gives
SECOND_OPINION: Final = "second_opinion"  # the sign of spam that a model's word is
CLEARED: Final = ("cleared",)  # the classifier's reason when a person cleared these words
JUDGED_CHARACTERS_MAX: Final = 10_000
WEIGHTS: Final = {
    "honeypot": 100,  # a field that people do not see was filled in
    "too_fast": 50,  # the form was sent sooner than a person can fill it in
    "spam_phrase": 60,  # the message or name has a phrase of `PHRASES`
    "spam_phrases": 40,  # … two or more of them
    "only_links": 60,  # the message is nothing but links
    "link_density": 30,  # a link per five words, or more
    "many_links": 40,  # five links or more; those to the page's own site count in none of these rules
    "markup_links": 60,  # links written as HTML or BBCode
    "link_in_name": 60,  # the name has a link
    "repeated_characters": 50,  # one letter or digit twelve times in a row
    "repeated_words": 50,  # eight words or more, four fifths of them the same
    "machine_orders": 100,  # begins by overriding a language model's instructions, or holds its control tokens
    "machine_task": 100,  # begins as a task for a language model, gives it a part to play, or speaks to it
    "all_caps": 20,  # thirty letters or more, nine tenths of them capitals
}
# Only what is hardly ever said of software: no "click here", "buy now" or "wire transfer".
PHRASES: Final = (
    "backlinks", "buy followers", "buy viagra", "cheap pills", "cheap viagra", "cialis", "crypto investment",
    "double your money", "earn money", "escort service", "first page of google", "free gift card", "get rich",
    "guest post", "make money online", "online casino", "online pharmacy", "payday loan", "seo services",
    "web traffic to your", "you have won",
)  # fmt: skip

_LINK: Final = re.compile(r"\b(?:https?://|www\.)\S+", re.IGNORECASE)
_MARKUP: Final = re.compile(r"<a\s[^>]{0,200}href|\[(?:url|link)[=\]]", re.IGNORECASE)
_REPEATED: Final = re.compile(r"([^\W_])\1{11}")
_PHRASE: Final = re.compile(rf"\b(?:{'|'.join(PHRASES)})\b")


@dataclass(frozen=True, slots=True)
class SpamVerdict:
    """Whether a feedback is spam; None when it was not judged or could not be. `signs` are the names of rules that
    fired, `reasons` the words and signs that the classifier went by.
    """

    is_spam: bool | None = None
    detection_enabled: bool = False
    signs: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Content:
    """What is judged: a message, who sent it, and the address of the page it was written on.

    `marks` are signs that the sender's form noticed: `honeypot`, `too_fast`.
    """

    message: str
    name: str | None = None
    marks: Sequence[str] = ()
    page: str | None = None
    email: str | None = None


def judge(content: Content, classifier: Classifier | None) -> SpamVerdict:
    """Return the verdict of the rules and the classifier: spam when either says so.

    Words that a person cleared are never spam again. Without a classifier the rules alone can say "spam", and
    nothing says "not spam".
    """
    verdict = judge_by_rules(content)
    if classifier is None:
        return verdict if verdict.is_spam else replace(verdict, is_spam=None)
    message = content.message[:JUDGED_CHARACTERS_MAX]
    opinion = classifier.judge(message, content.name or "", content.page, content.email or "")
    if opinion.reasons == CLEARED:
        return replace(verdict, is_spam=False, reasons=opinion.reasons)
    if not opinion.is_spam:
        return verdict
    return replace(verdict, is_spam=True, signs=(*verdict.signs, CLASSIFIER), reasons=opinion.reasons)


def with_second_opinion(verdict: SpamVerdict) -> SpamVerdict:
    """Return a verdict to which a model's word for spam is added; words that a person cleared stay cleared."""
    if verdict.reasons == CLEARED:
        return verdict
    return replace(verdict, is_spam=True, signs=(*verdict.signs, SECOND_OPINION))


def judge_by_rules(content: Content) -> SpamVerdict:
    """Return the verdict of the rules."""
    fired = _signs(content)
    signs = tuple(name for name in WEIGHTS if name in fired)
    return SpamVerdict(sum(WEIGHTS[name] for name in signs) >= SCORE_MIN, True, signs)


def _signs(content: Content) -> set[str]:
    message, name = content.message, content.name or ""
    phrases = set(_PHRASE.findall(searchable(message, name)))
    words = message.split()
    fired = {
        "spam_phrase": bool(phrases),
        "spam_phrases": len(phrases) > 1,
        "link_in_name": bool(_LINK.search(name)),
        "markup_links": bool(_MARKUP.search(message)),
        "repeated_characters": bool(_REPEATED.search(message)),
        "repeated_words": _is_one_word(words),
        "machine_orders": orders_a_machine(message),
        "machine_task": is_for_a_machine(message),
        "all_caps": _is_all_caps(message),
    }
    links = len(_other_links(message, content.page))
    if links:
        fired["only_links"] = not _LINK.sub("", message).strip()
        fired["link_density"] = links * 5 >= len(words)
        fired["many_links"] = links >= 5
    return {sign for sign, does in fired.items() if does} | set(content.marks)


def _other_links(message: str, page: str | None) -> list[str]:
    """Return the links that do not lead to the site of the page itself."""
    links = _LINK.findall(message)
    site = page_site(page) if links else ""
    return [link for link in links if read_link(link, site).belongs != OWN]


def _is_one_word(words: Sequence[str]) -> bool:
    if len(words) < 8:
        return False
    [(_, most)] = Counter(word.casefold() for word in words).most_common(1)
    return most * 5 >= len(words) * 4


def _is_all_caps(message: str) -> bool:
    capitals = sum(map(str.isupper, message))
    if capitals < 27:
        return False
    small = sum(map(str.islower, message))
    return capitals + small >= 30 and capitals >= 9 * small
