"""Translations of the invitation mail, in the languages of the crash-report dialog."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

DEFAULT: Final = "en"
# Subject, what it is about, until when (before the link), and what to do if it was not expected.
_TEXTS: Final[Mapping[str, tuple[str, str, str, str]]] = {
    "en": (
        "{inviter} invites you to {organization}",
        "{inviter} invites you to the organization {organization} on Hearback.",
        "Accept the invitation until {until}:",
        "The link works once. If you did not expect this mail, ignore it.",
    ),
    "de": (
        "{inviter} lädt Sie zu {organization} ein",
        "{inviter} lädt Sie in die Organisation {organization} auf Hearback ein.",
        "Nehmen Sie die Einladung bis {until} an:",
        "Der Link gilt einmal. Wenn Sie diese Mail nicht erwartet haben, beachten Sie sie nicht.",
    ),
    "fr": (
        "{inviter} vous invite à rejoindre {organization}",
        "{inviter} vous invite à rejoindre l'organisation {organization} sur Hearback.",
        "Acceptez l'invitation avant le {until} :",
        "Le lien ne sert qu'une fois. Si vous n'attendiez pas ce message, ignorez-le.",
    ),
    "es": (
        "{inviter} le invita a {organization}",
        "{inviter} le invita a la organización {organization} en Hearback.",
        "Acepte la invitación antes del {until}:",
        "El enlace sirve una sola vez. Si no esperaba este correo, ignórelo.",
    ),
    "pt": (
        "{inviter} convida você para {organization}",
        "{inviter} convida você para a organização {organization} no Hearback.",
        "Aceite o convite até {until}:",
        "O link funciona uma vez. Se não esperava este e-mail, ignore-o.",
    ),
    "it": (
        "{inviter} ti invita in {organization}",
        "{inviter} ti invita nell'organizzazione {organization} su Hearback.",
        "Accetta l'invito entro il {until}:",
        "Il link vale una volta sola. Se non aspettavi questa mail, ignorala.",
    ),
    "nl": (
        "{inviter} nodigt u uit voor {organization}",
        "{inviter} nodigt u uit voor de organisatie {organization} op Hearback.",
        "Neem de uitnodiging aan vóór {until}:",
        "De link werkt één keer. Verwachtte u deze mail niet, negeer hem dan.",
    ),
    "pl": (
        "{inviter} zaprasza do {organization}",
        "{inviter} zaprasza do organizacji {organization} w Hearback.",
        "Zaproszenie można przyjąć do {until}:",
        "Link działa jeden raz. Jeśli ta wiadomość jest nieoczekiwana, można ją zignorować.",
    ),
    "ru": (
        "{inviter} приглашает вас в {organization}",
        "{inviter} приглашает вас в организацию {organization} в Hearback.",
        "Примите приглашение до {until}:",
        "Ссылка действует один раз. Если вы не ждали этого письма, не обращайте на него внимания.",
    ),
    "ja": (
        "{inviter} さんから {organization} への招待",
        "{inviter} さんが Hearback の組織 {organization} にあなたを招待しています。",
        "{until} までに招待を承諾してください:",
        "リンクは一度だけ有効です。心当たりがない場合は、このメールを無視してください。",
    ),
    "zh": (
        "{inviter} 邀请您加入 {organization}",
        "{inviter} 邀请您加入 Hearback 上的组织 {organization}。",
        "请在 {until} 之前接受邀请：",
        "链接只能使用一次。如果您没有预料到此邮件，请忽略。",
    ),
    "ko": (
        "{inviter} 님이 {organization}에 초대합니다",
        "{inviter} 님이 Hearback의 조직 {organization}에 초대합니다.",
        "{until}까지 초대를 수락하세요:",
        "링크는 한 번만 사용할 수 있습니다. 예상하지 못한 메일이라면 무시하세요.",
    ),
    "ar": (
        "{inviter} يدعوك إلى {organization}",
        "{inviter} يدعوك إلى مؤسسة {organization} على Hearback.",
        "اقبل الدعوة قبل {until}:",
        "يعمل الرابط مرة واحدة. إن لم تكن تتوقع هذه الرسالة فتجاهلها.",
    ),
}
LANGUAGES: Final = tuple(_TEXTS)


def invitation_mail(
    language: str | None, *, inviter: str, organization: str, expires_at: datetime, url: str
) -> tuple[str, str]:
    """Return subject and body in a language such as `de-AT`, else English."""
    short = (language or DEFAULT).replace("_", "-").split("-")[0].lower()
    subject, about, until, ignore = _TEXTS.get(short, _TEXTS[DEFAULT])
    names = {"inviter": inviter, "organization": organization, "until": f"{expires_at:%Y-%m-%d %H:%M} UTC"}
    body = f"{about.format(**names)}\n\n{until.format(**names)}\n{url}\n\n{ignore}\n"
    return subject.format(**names), body
