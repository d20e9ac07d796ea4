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
    r"|.{0,12}?(?<!代)(?:写|生成|创作).{0,20}?(?:作文|论文|诗|故事|演讲稿|文案|简历|读后感|总结)"
    r"|.{0,40}?(?:感想文|小論文|作文|物語|志望動機|スピーチ|俳句|レポート).{0,20}?(?:書いて|作って|作成して|考えて)"
    r"|.{0,40}?(?:독후감|자기소개서|에세이|레포트|소설|시)를? ?.{0,12}?(?:써 ?줘|써 ?주세요|작성해|만들어)"
    r"|(?:skriv|generera|lag|lav|dikta)\b.{0,60}?\b(?:uppsats|dikt|saga|novelle?|tal|personligt brev|essä|essay|digt|historie|eventyr|stil|søknad|ansøgning|sammanfattning)\b"
    r"|(?:kirjoita|laadi|keksi)\b.{0,60}?\b(?:essee|runo|tarina|puhe|hakemus|aine)\w*|(?:írj|fogalmazz|készíts)\b.{0,60}?\b(?:verset|fogalmazást|esszét|mesét|beszédet|motivációs levelet)\b"
    r"|(?:napiš|vymysli|vytvoř|sepiš|napíš)\b.{0,60}?\b(?:esej|báseň|básničku|příběh|pohádku|slohov\w+|proslov|referát|motivační dopis)\b|(?:scrie|compune|creează|generează)\b.{0,60}?\b(?:eseu|poezie|poveste|discurs|compunere|scrisoare|referat)\b"
    r"|(?:γράψε|φτιάξε|σύνθεσε)\b.{0,60}?(?:έκθεση|ποίημα|ιστορία|ομιλία|παραμύθι|εργασία)|(?:напиши|склади|придумай|згенеруй|створи)\b.{0,60}?\b(?:твір|вірш|казку|есе|доповідь|реферат|розповідь|промову)|(?:напиши|създай|съчини)\b.{0,60}?\b(?:есе|стихотворение|разказ|реч|съчинение)"
    r"|(?:сгенерируй|объясни|переведи|перескажи|реши|составь|напиши|придумай)\b.{0,40}?\b(?:следующий текст|этот текст|текст на|задачу|уравнение|слоган\w*|пост\w* для|план|сценарий|рецепт|код|функцию|вариантов|идей)\b"
    r"|(?:tuliskan?|buatkan|buatlah|karang(?:kan)?)\b.{0,60}?\b(?:esai|puisi|cerita|pidato|makalah|pantun|surat lamaran|caption|artikel|ringkasan)\b|(?:(?:hãy )?(?:viết|soạn|làm))\b.{0,60}?(?:bài văn|bài thơ|bài luận|câu chuyện|đoạn văn|bài phát biểu|thư xin việc|bài viết)"
    r"|.{0,60}?(?:कविता|निबंध|कहानी|भाषण|पत्र|प्रार्थना पत्र).{0,20}?(?:लिखो|लिखिए|लिखें|लिख दो|बनाओ)|(?:ช่วย)?(?:เขียน|แต่ง).{0,20}?(?:เรียงความ|กลอน|นิทาน|บทความ|สุนทรพจน์|เรื่องสั้น)|(?:כתוב|תכתוב|כתבי|חבר)(?: לי)?.{0,20}?(?:חיבור|שיר|סיפור|נאום|מכתב|עבודה)|(?:بنویس|یک).{0,20}?(?:انشا|شعر|داستان|مقاله).{0,20}?بنویس"
    r"|(?:لخص|ترجم|أعد صياغة)(?: لي)?.{0,12}?(?:النص|هذا|التالي)|(?:翻译|总结|润色|改写|帮我(?:翻译|总结|润色|改写|写)).{0,8}?(?:以下|下面|这段|这篇)|(?:次の|以下の).{0,12}?(?:翻訳|要約|添削|書き換え)|다음.{0,12}?(?:번역|요약|고쳐)"
    r"|(?:fass|fasse|übersetze?|korrigiere?|formuliere?)\b.{0,30}?\b(?:folgenden?|diesen|untenstehenden) (?:text|absatz|satz|artikel)\b|(?:résume[zr]?|tradui[st]\w*|reformule[zr]?|corrige[zr]?)\b.{0,20}?\b(?:suivante?|ci-dessous|ce texte|ce paragraphe)\b|(?:resume|traduce|corrige|reescribe)\b.{0,20}?\b(?:siguiente|este texto|este párrafo)\b|(?:resuma|traduza|reescreva|corrija)\b.{0,20}?\b(?:seguinte|este texto|abaixo)\b|(?:riassumi|traduci|correggi|riscrivi)\b.{0,20}?\b(?:seguente|questo testo|qui sotto)\b"
    r"|(?:crea|crie|créer?|crée|erstelle|dame|nenne|liste|gib mir|donne-moi|dammi|me dê|podaj|wymyśl|bedenk|geef me|дай|придумай|bana|缺|给我|请给我) ?(?:mir |moi |me )?\d+ .{0,40}?\b(?:ideen?|idées?|ideas?|ideias?|idee|pomysł\w*|ideeën|идей|fikir|legendas?|leyendas?|slogans?|titres?|titoli|títulos|tipps?|hashtags|captions?|posts?|nombres|noms|namen|nomi)\b"
    r"|(?:اكتب|ألف)(?: لي)?.{0,20}?(?:قصيدة|مقال|قصة|سيرة ذاتية|خطاب)"
    r")"
)


# Verbs that ask for a feature as often as for a text: "make the song titles larger".
_WISH: Final = re.compile(
    r"^\W*(?:(?:please|hey|hi|now|can you|could you)[ ,:]+){0,3}(?:create|make|list|explain|correct|shorten)\b"
)
# A text that is addressed to a language model: it is given a part to play, or spoken to as the reader of a ticket.
_ADDRESS: Final = re.compile(
    r"^\W*(?:(?:please|hey|hi|hello|now|from now on|ok|okay|so)[ ,:]+){0,3}(?:"
    r"you are (?:now|hereby) (?:an? |the )?(?:[\w-]+ ){0,3}(?:ai|bot|chatbot|assistant)\b|you are (?:an? |the )?(?:[\w-]+ ){0,3}(?:bot|assistant|chatbot|ai)\W+(?:that|who|for|with|named|called|rule|your|trained)\b|you are (?:now )?(?:an? |the )?(?:[\w-]+ ){0,3}(?:\w+gpt|language model|llm|expert|copywriter|translator|tutor|historian|poet|hacker|linux terminal)\b"
    r"|(?:pretend|imagine) (?:that )?(?:you|to be)|(?:act|behave|respond|answer) as (?:an? |if |the |my )|you will act as|let'?s (?:role-?play|play a game)"
    r"|(?:du bist|sie sind) (?:jetzt |nun |ab jetzt )?(?:ein|eine) (?:[\w-]+ ){0,2}(?:assistent|experte|sprachmodell|texter|übersetzer)\w*|(?:tu|tun sie) so,? als|stell dir vor,? du|übernimm die rolle|agiere als|spiele? (?:die rolle|einen|eine)"
    r"|(?:tu es|vous êtes) (?:maintenant |désormais )?une? (?:[\w-]+ ){0,2}(?:assistante?|experte?|modèle|rédacteur|rédactrice|traducteur)\b|agis(?:sez)? comme|fais(?:ons)? semblant|imagine que tu|joue le rôle|mets-toi dans la peau"
    r"|(?:ahora )?(?:eres|será?s) (?:ahora )?una? (?:[\w-]+ ){0,2}(?:asistente|expert[oa]|modelo|redactor|traductor)\w*|act[úu]a como|finge (?:que|ser)|imagina que eres|haz de cuenta"
    r"|(?:agora )?(?:você|tu) (?:é|és|será) (?:agora )?uma? (?:[\w-]+ ){0,2}(?:assistente|especialista|modelo|redator|tradutor)\w*|(?:aja|atue|comporte-se) como|finja (?:que|ser)|imagine que você é"
    r"|(?:ora )?sei (?:ora |adesso )?un[a']? ?(?:[\w-]+ ){0,2}(?:assistente|espert[oa]|modello|copywriter|traduttore)\b|(?:agisci|comportati) come|fingi di|immagina di essere"
    r"|(?:je bent|u bent) (?:nu |vanaf nu )?een (?:[\w-]+ ){0,2}(?:assistent|expert|taalmodel|schrijver|vertaler)\b|doe alsof|gedraag je als|stel je voor dat je een"
    r"|jesteś (?:teraz |od teraz )?(?:[\w-]+ ){0,2}(?:asystent\w*|ekspert\w*|model\w*|copywriter\w*|tłumacz\w*)\b|(?:działaj|zachowuj się|wciel się) (?:jak|w)|udawaj,? że|wyobraź sobie,? że jesteś"
    r"|(?:ты|вы) (?:теперь |сейчас |— |- ){0,2}(?:[\w-]+ ){0,2}(?:нейросеть|ассистент|помощник|эксперт|копирайтер|переводчик|модель)\b|представь,? что ты|веди себя как|притворись|выступи в роли|действуй как"
    r"|(?:sen|siz) (?:artık |şimdi |bundan sonra )?bir (?:[\w-]+ ){0,3}(?:asistan|uzman|model|çevirmen)\w*|.{0,40}(?:gibi davran|rolünü üstlen|rolüne gir)"
    r"|(?:kamu|anda) adalah (?:seorang |sebuah )?(?:[\w-]+ ){0,2}(?:asisten|ahli|pakar|penulis|penerjemah)|(?:bertindaklah|berperanlah|berpura-puralah)|(?:bạn|em) là (?:một )?(?:[\w-]+ ){0,3}(?:chuyên gia|trợ lý|ai|copywriter)|hãy đóng vai"
    r"|أنت (?:الآن )?(?:مساعد|خبير|نموذج|كاتب|مترجم)|تصرف (?:ك|مثل)|تظاهر (?:بأنك|أنك)|تخيل أنك|אתה (?:עכשיו )?(?:עוזר|מומחה|מודל)|(?:התנהג|תתנהג) כמו|दिखावा करो|आप एक (?:\S+ ){0,2}(?:सहायक|विशेषज्ञ|एआई)|(?:คุณ|เธอ)คือ.{0,12}(?:ผู้ช่วย|ผู้เชี่ยวชาญ|ai)|สวมบทบาท"
    r"|(?:请|現在|现在|从现在起|從現在起|你现在|请你)?(?:扮演|充当|假装你是|假设你是|想象你是|把自己当)|(?:从现在起|从现在开始|现在)?你(?:现在)?是(?:一[个名位])?.{0,12}(?:助手|专家|模型|文案|作家|翻译|律师)"
    r"|(?:あなた|君|お前)は.{0,16}(?:アシスタント|専門家|ライター|モデル|翻訳者|プロ).{0,3}(?:です|だ|として)|.{0,24}(?:になりきって|として振る舞|のふりをして)|(?:너|넌|당신|지금부터 너)(?:는|은)? (?:이제 |지금부터 )?.{0,16}(?:전문가|모델|비서|작가)|.{0,20}(?:역할을 해|인 척|처럼 행동)"
    r")"
    r"|^\W*as an? (?:ai|large) (?:large )?language model\b|^\W*(?:attention|note|message|memo|instructions?)? ?(?:to|for) (?:the |any )?(?:ai|llm|chatbot|language model|ai assistant|ai agent|bot)\b"
)
_MAY_ADDRESS: Final = re.compile(r"role[\"']|prompt|instructions|message| mode")
_ADDRESS_WITHIN: Final = re.compile(
    r"[\"']role[\"']: ?[\"'](?:system|assistant|user)[\"']|\b(?:reveal|print|repeat|output|show|leak|dump|give|tell)\b.{0,30}\b(?:your|the|hidden|initial|full) (?:\w+ )?(?:system|initial|hidden|developer) (?:prompt|instructions|message)\b"
    r"|\b(?:developer|dan|god|jailbreak|unrestricted|debug) mode (?:is )?(?:enabled|activated|on)\b|\benter (?:debug|developer|god|admin|dan) mode\b"
)
_QUOTED: Final = re.compile(r"(?<!\S)[\"“„«][^\"“”„«»]{12,200}[\"”“»](?!\w)")
_CHARACTERS_MAX: Final = 1_500


def orders_a_machine(message: str) -> bool:
    """Whether a message begins by overriding a language model's instructions, or holds its control tokens.

    Feedback that reports or quotes such a sentence has words of its own before it.
    """
    text = _folded(message)
    return bool(_MACHINE_TOKENS.search(text) or _MACHINE_ORDERS.search(text))


@lru_cache(maxsize=4)  # a rule and a sign ask
def sets_a_task(message: str) -> bool:
    """Whether a message begins with a task for a chatbot: a text to write, or one to work on."""
    return bool(_TASK.match(_folded(message)))


def is_for_a_machine(message: str) -> bool:
    """Whether a message can only be meant for a language model: a task that is no wish, or words spoken to it."""
    return addresses_a_machine(message) or (sets_a_task(message) and not _WISH.match(_folded(message)))


def addresses_a_machine(message: str) -> bool:
    """Whether a message gives a language model a part to play, or speaks to it as the reader of messages."""
    text = _folded(message)
    return bool(
        _ADDRESS.match(text) or (_MAY_ADDRESS.search(text) and _ADDRESS_WITHIN.search(_QUOTED.sub(" ", text)))
    )


@lru_cache(maxsize=4)  # each text is asked about several times in a row
def _folded(message: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", message[:_CHARACTERS_MAX]).casefold().split())
