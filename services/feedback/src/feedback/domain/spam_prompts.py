"""Texts that are meant for a language model: orders that override its instructions, and tasks to be done."""

# ruff: noqa: E501 - the phrases of a language stay on one line

import re
import unicodedata
from functools import lru_cache
from typing import Final

_MACHINE_TOKENS: Final = re.compile(
    r"<\|(?:im_start|im_end|system|endoftext)|\[/?inst\]|<<sys>>|^### ?(?:system|instruction)"
)
_MACHINE_ORDERS: Final = re.compile(
    r"^\W*(?:system ?: ?|please )?(?:now )?(?:"
    r"(?:ignore|disregard|forget|override) (?:all |any |everything |the |your )*(?:of )?(?:the |your )?"
    r"(?:previous|prior|above|earlier|preceding|rules|instructions)"
    r"|(?:reveal|print|show|output|repeat) (?:me )?(?:your (?:hidden |full )?(?:system )?|the (?:hidden |full )?system )prompt"
    r"|you are now (?:dan|an? (?:ai|unrestricted|unfiltered))"
    r"|(?:ignorier\w*|vergiss) alle (?:vorherigen|bisherigen) "
    r"|(?:ignore[zr]?|oublie[zr]?) (?:toutes )?les instructions (?:précédentes|ci-dessus)"
    r"|(?:ignora|olvida|ignore|esqueça|dimentica) (?:todas |tutte )?(?:as |las |le )?(?:instru\w+|istru\w+) (?:anterior\w*|preced\w*)"
    r"|(?:negeer|vergeet) alle (?:eerdere|vorige) instructies"
    r"|(?:zignoruj|zapomnij) wszystkie poprzednie"
    r"|(?:забудь|игнорируй) все (?:предыдущие|прежние)"
    r"|önceki (?:tüm )?talimatları"
    r"|これまでの指示|以前の指示|忽略(?:之前|以上|前面)|이전(?:의)? (?:모든 )?(?:지시|명령)|تجاهل (?:جميع |كل )?التعليمات"
    r")"
)

# A text that a chatbot is to write, or one handed to it: a verb at the start, and what is wanted soon after.
_TASK: Final = re.compile(
    r"^\W*(?:(?:please|hey|hi|assistant|now|can you|could you)[ ,:]+){0,3}(?:"
    r"(?:write|compose|draft|generate|create|make|give me|suggest|list|tell me|code|explain|solve|calculate)\b.{0,60}?"
    r"\b(?:essay|poem|story|haiku|cover letter|speech|blog post|caption|captions|hashtags|recipe|joke|song|lyrics"
    r"|slogans?|resume|script|function|code|my homework|ideas|tweets?|step by step|equation|plan for)\b"
    r"|(?:summari[sz]e|translate|rewrite|paraphrase|proofread|shorten|correct)\b.{0,20}?\b(?:following|below|this (?:text|paragraph|sentence|article))\b"
    r"|(?:act as|pretend (?:to be|you are)|imagine you are|take the role of|roleplay as)\b"
    r"|(?:schreibe?|verfasse|erstelle|dichte)\b.{0,60}?\b(?:aufsatz|gedicht|geschichte|bewerbung\w*|rede|referat|zusammenfassung|märchen)\b"
    r"|(?:écri[st]|rédige[zr]?|compose|fais)\b.{0,60}?\b(?:poème|dissertation|rédaction|lettre de motivation|discours|histoire|conte|exposé)\b"
    r"|(?:escribe|redacta|haz(?:me)?|genera|crea)\b.{0,60}?\b(?:ensayo|poema|cuento|discurso|redacción|carta de presentación|historia)\b"
    r"|(?:scrivi|componi|genera|crea)\b.{0,60}?\b(?:tema|poesia|racconto|discorso|riassunto|lettera di presentazione)\b"
    r"|(?:escreva|faça|crie|componha)\b.{0,60}?\b(?:redação|poema|discurso|conto|história|resumo)\b"
    r"|(?:schrijf|maak|bedenk)\b.{0,60}?\b(?:gedicht|opstel|verhaal|sollicitatiebrief|toespraak)\b"
    r"|(?:napisz|ułóż|stwórz)\b.{0,60}?\b(?:wiersz|wypracowanie|opowiadanie|list motywacyjny|przemówienie|rozprawkę)\b"
    r"|(?:напиши|сочини|составь|придумай)\b.{0,60}?\b(?:сочинение|реферат|стих\w*|эссе|доклад|рассказ|сказку|резюме|речь)\b"
    r"|.{0,60}?(?:şiir|kompozisyon|hikaye|ödev)\b.{0,20}?\b(?:yaz|oluştur)"
    r"|.{0,12}?(?:写|生成|创作).{0,20}?(?:作文|论文|诗|故事|演讲稿|文案|简历|读后感|总结)"
    r"|.{0,40}?(?:感想文|小論文|作文|物語|志望動機|スピーチ|俳句|レポート).{0,20}?(?:書いて|作って|作成して|考えて)"
    r"|.{0,40}?(?:독후감|자기소개서|에세이|레포트|소설|시)를? ?.{0,12}?(?:써 ?줘|써 ?주세요|작성해|만들어)"
    r"|(?:اكتب|ألف)(?: لي)?.{0,20}?(?:قصيدة|مقال|قصة|سيرة ذاتية|خطاب)"
    r")"
)


_CHARACTERS_MAX: Final = 1_500


def orders_a_machine(message: str) -> bool:
    """Whether a message begins by overriding a language model's instructions, or holds its control tokens.

    Feedback that reports or quotes such a sentence has words of its own before it.
    """
    text = _folded(message)
    return bool(_MACHINE_TOKENS.search(text) or _MACHINE_ORDERS.search(text))


def sets_a_task(message: str) -> bool:
    """Whether a message begins with a task for a chatbot: a text to write, or one to work on."""
    return bool(_TASK.match(_folded(message)))


@lru_cache(maxsize=4)  # each text is asked about three times in a row
def _folded(message: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", message[:_CHARACTERS_MAX]).casefold().split())
