"""How a sales pitch speaks, whatever it sells: of the reader's site, for a firm, with a promise, for a reply.

Each of the four aspects alone is found in honest feedback. Several at once are the mark of form spam, also of kinds
that no training text knows. The lists hold phrases of offering and asking, never of a product.
"""

# ruff: noqa: E501 - the phrases of a language stay on one line

import re
import unicodedata
from typing import Final

_ASPECTS: Final = {
    "reader": (
        r"\byour (?:web ?site|site|web ?page|homepage|blog|domain|business|company|brand|rankings?|traffic)\b",
        r"\b(?:dear|hello|hi) (?:sir|owner|business owner|admin|webmaster|editor|site owner|team lead)\b",
        r"\b(?:ihre[rnms]?|deine[rnms]?|eure[rnms]?) (?:website|webseite|seite|homepage|domain|blog|firma|unternehmen)\b",
        r"\b(?:votre|vos) (?:site|sites|blog|page web|entreprise|domaine|boutique)\b",
        r"\b(?:su|sus|tu|tus) (?:sitio|web|pagina web|página web|blog|negocio|empresa)\b",
        r"\b(?:seu|sua|teu) (?:site|blog|negócio|empresa|página na internet)\b",
        r"\b(?:tuo|vostro|suo|tua|vostra) (?:sito|blog|azienda|attività)\b",
        r"\b(?:uw|jouw) (?:website|site|blog|bedrijf|webshop)\b",
        r"\b(?:twoj\w+|państwa|wasz\w*) (?:stron\w+|witryn\w+|blog\w*|firm\w+)",
        r"\bваш\w* (?:сайт\w*|блог\w*|бизнес\w*|компани\w*)",
        r"\b(?:siteniz\w*|web siteniz\w*|işletmeniz\w*|blogunuz\w*)",
        r"御社|貴社|貴サイト|贵公司|贵司|贵站|您的网站|귀사|귀하의|موقعك|موقعكم|مدونتك|شركتك",
    ),
    "firm": (
        r"\bwe (?:are an? |offer|provide|sell|place|bring|deliver|specialise|specialize|guarantee|build|do seo)",
        r"\bour (?:experts?|agency|clients?|packages?|services|price ?list|specialists?|professionals?|developers)\b",
        r"\bi (?:sell|offer|provide|represent|can (?:improve|offer|place|bring|rank|get you))\b",
        r"\b(?:wir (?:bieten|bringen|setzen|verkaufen|helfen ihnen|sind eine)|unsere (?:agentur|experten|kunden|leistungen))\b",
        r"\b(?:nous (?:proposons|offrons|vendons|sommes une)|notre (?:agence|client|équipe)|je (?:propose|vends|peux améliorer))\b",
        r"\b(?:ofrecemos|vendemos|somos una|nuestra agencia|nuestros clientes|podemos (?:posicionar|ayudar))\b",
        r"\b(?:oferecemos|somos uma|nossa agência|nossos clientes|colocamos o)\b",
        r"\b(?:offriamo|vendiamo|siamo un|la nostra agenzia|i nostri clienti|ti portiamo)\b",
        r"\b(?:wij (?:brengen|bieten|plaatsen|verkopen)|onze (?:klant|klanten|experts))\b",
        r"\b(?:oferujemy|sprzedam|sprzedajemy|pozycjonujemy|nasza agencja|nasz klient)\b",
        r"\b(?:предлагаем|продаем|продаём|выведем|разместим|наше агентство|наши клиенты)\b",
        r"\b(?:sunuyoruz|satıyoruz|ajansımız|müşterilerimiz|çıkarıyoruz)\b",
        r"弊社|当社|ご提案|我们提供|我司|本公司|承接|出售|批发|저희 회사|제공합니다|판매합니다|نقدم|نبيع|نحن شركة|فريقنا",
    ),
    "reply": (
        r"\b(?:contact|message|text|e?mail|write|dm|whatsapp) (?:me|us|to|now|at|on)\b",
        r"\b(?:want|would you like|like) me to (?:send|share|show|forward)\b|\b(?:should|shall) i (?:send|share|forward)\b",
        r"\b\d+.?min(?:ute)?s? (?:call|demo|chat)\b|\b(?:jump|hop) on a (?:quick )?call\b|\bschedule a (?:quick )?(?:call|meeting)\b",
        r"\breply (?:for|with|to|now|here|yes)\b|\bget in touch\b|\binterested\?",
        r"\b(?:may|can|shall|could) (?:i|we) (?:send|share|submit|offer|publish|discuss)\b",
        r"\b(?:sign up|order|join|apply|register|act|buy|invest|subscribe) (?:now|today|here|at|before)\b",
        r"\b(?:send|share) (?:me |us )?your (?:name|phone|number|details|country)\b|\bwhat is your (?:fee|price|rate)\b",
        r"\b(?:darf ich ihnen|schreiben sie an|melden sie sich|jetzt (?:anmelden|bestellen|beantragen)|fordern sie)\b",
        r"\b(?:puis-je vous envoyer|contactez|écrivez à|inscrivez-vous|quel est votre tarif|demandez un devis)\b",
        r"\b(?:solicite|escriba al?|contácten\w+|regístrate|le envío|cuál es el precio|únete)\b",
        r"\b(?:peça um orçamento|chame no|entre em contato|cadastre-se|compre agora|qual o valor)\b",
        r"\b(?:scrivi a|contattaci|iscriviti|preventivo|quanto costa pubblicare|richiedi)\b",
        r"\b(?:vraag een|mail naar|meld je nu aan|neem contact op|offerte)\b",
        r"\b(?:napisz na|skontaktuj się|zapytaj o|dołącz teraz|zamów teraz)\b",
        r"\b(?:пишите?|обращайтесь|закажите|звоните|регистрируйся|по запросу|вступай)\b",
        r"\b(?:hemen katıl|teklif alın|iletişime geçin|bize yazın|üye ol)\b",
        r"お申し込み|お問い合わせ|無料登録|加微信|加入|咨询|联系我们|문의|신청하세요|가입|تواصل|اطلب|سجل",
    ),
    "promise": (
        r"\b(?:guarantee\w*|risk.free|hundred percent|100 ?% (?:safe|free|legal)|affordable|cheap\w*|lowest|best price)\b",
        r"\bno (?:obligation|collateral|credit check|prescription|deposit|questions asked)\b",
        r"\bwithout (?:a )?(?:prescription|credit check|collateral|investment)\b|\bpassive income\b|\bprofits?\b",
        r"\bfree (?:audit|quote|consultation|report|bonus|spins|registration|access)\b|\bfree of charge\b",
        r"\b(?:page one|first page|top (?:3|10|three|ten))\b|\bwithin \d+ (?:hours|days)\b|\bper (?:day|week)\b",
        r"\b(?:unverbindlich\w*|garantiert\w*|ohne (?:schufa|rezept|einzahlung)|rezeptfrei|kostenlos (?:anmelden|testen))\b",
        r"\b(?:garanti\w*|sans (?:ordonnance|justificatif|engagement)|audit gratuit|inscription gratuite)\b",
        r"\b(?:garantizad\w+|sin (?:compromiso|receta|aval|depósito)|gratis ahora|por semana)\b",
        r"\b(?:garantid\w+|sem (?:consulta|receita|compromisso)|por mês|por dia|orçamento grátis)\b",
        r"\b(?:garantit\w+|senza (?:ricetta|garanzie|deposito|impegno)|gratuit\w+|al giorno)\b",
        r"\b(?:vrijblijvend\w*|gegarandeerd\w*|zonder (?:recept|bkr)|per week)\b",
        r"\b(?:gwarantowan\w+|bez (?:recepty|bik|depozytu)|darmow\w+|dziennie)\b",
        r"\b(?:гарант\w+|без (?:рецепта|отказа|вложений|обязательств)|в день|бесплатн\w+|топ.?10)\b",
        r"\b(?:garantili|kefilsiz|bedava|ücretsiz|günde)\b",
        r"保証|無料診断|審査なし|保证|免费|无抵押|稳赚|日收益|보장|무료|당일|مضمون|مجانا|مجاني|بدون ضمانات",
    ),
}  # fmt: skip
_PATTERNS: Final = {aspect: re.compile("|".join(phrases)) for aspect, phrases in _ASPECTS.items()}
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


def aspects_of(message: str) -> tuple[str, ...]:
    """Return which aspects of a pitch a message has: `reader`, `firm`, `reply`, `promise`."""
    text = _folded(message)
    return tuple(aspect for aspect, pattern in _PATTERNS.items() if pattern.search(text))


def orders_a_machine(message: str) -> bool:
    """Whether a message begins by overriding a language model's instructions, or holds its control tokens.

    Feedback that reports or quotes such a sentence has words of its own before it.
    """
    text = _folded(message)
    return bool(_MACHINE_TOKENS.search(text) or _MACHINE_ORDERS.search(text))


def sets_a_task(message: str) -> bool:
    """Whether a message begins with a task for a chatbot: a text to write, or one to work on."""
    return bool(_TASK.match(_folded(message)))


def _folded(message: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", message[:_CHARACTERS_MAX]).casefold().split())
