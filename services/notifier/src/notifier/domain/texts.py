"""The words of mails, in the languages of the crash-report dialog."""

from collections.abc import Mapping
from typing import Final

DEFAULT: Final = "en"
RIGHT_TO_LEFT: Final = frozenset({"ar"})
KEYS: Final = (
    "new_feedback", "new_report", "alert", "test", "digest", "from", "anonymous", "open", "feedback",
    "reports", "error", "screenshot", "stats", "environment", "release", "page", "source", "spam", "state",
    "watches", "value", "threshold", "tags", "why", "unsubscribe", "more",
)  # fmt: skip
_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "en": (
        "New feedback", "New report on an error", "Alert", "Test", "{count} notices", "From", "Anonymous",
        "Open in Hearback", "Feedback", "Reports", "The linked error", "Screenshot", "Stats",
        "Environment", "Release", "Page", "Source", "Marked as spam", "State", "Watches", "Value",
        "Threshold", "Tags", "You get this mail because alerts of the project {project} are on for you.",
        "Unsubscribe", "{count} more are in the inbox.",
    ),
    "de": (
        "Neues Feedback", "Neuer Bericht zu einem Fehler", "Alarm", "Test", "{count} Meldungen", "Von",
        "Anonym", "In Hearback öffnen", "Feedback", "Berichte", "Der verknüpfte Fehler", "Bildschirmfoto",
        "Statistik", "Umgebung", "Version", "Seite", "Quelle", "Als Spam markiert", "Zustand", "Überwacht",
        "Wert", "Schwelle", "Tags",
        "Sie erhalten diese Mail, weil Meldungen des Projekts {project} für Sie eingeschaltet sind.",
        "Abbestellen", "{count} weitere sind im Posteingang.",
    ),
    "fr": (
        "Nouveau commentaire", "Nouveau rapport sur une erreur", "Alerte", "Test", "{count} notifications",
        "De", "Anonyme", "Ouvrir dans Hearback", "Commentaire", "Rapports", "L'erreur liée",
        "Capture d'écran", "Statistiques", "Environnement", "Version", "Page", "Source",
        "Marqué comme spam", "État", "Surveille", "Valeur", "Seuil", "Tags",
        "Vous recevez ce message car les alertes du projet {project} sont activées.", "Se désabonner",
        "{count} de plus dans la boîte de réception.",
    ),
    "es": (
        "Nuevo comentario", "Nuevo informe sobre un error", "Alerta", "Prueba", "{count} avisos", "De",
        "Anónimo", "Abrir en Hearback", "Comentario", "Informes", "El error vinculado",
        "Captura de pantalla", "Estadísticas", "Entorno", "Versión", "Página", "Origen",
        "Marcado como spam", "Estado", "Vigila", "Valor", "Umbral", "Etiquetas",
        "Recibe este correo porque los avisos del proyecto {project} están activados.", "Darse de baja",
        "{count} más en la bandeja de entrada.",
    ),
    "pt": (
        "Novo feedback", "Novo relato sobre um erro", "Alerta", "Teste", "{count} avisos", "De", "Anônimo",
        "Abrir no Hearback", "Feedback", "Relatos", "O erro vinculado", "Captura de tela", "Estatísticas",
        "Ambiente", "Versão", "Página", "Origem", "Marcado como spam", "Estado", "Observa", "Valor",
        "Limite", "Tags", "Você recebe este e-mail porque os alertas do projeto {project} estão ativados.",
        "Cancelar inscrição", "Mais {count} na caixa de entrada.",
    ),
    "it": (
        "Nuovo feedback", "Nuova segnalazione su un errore", "Avviso", "Prova", "{count} avvisi", "Da",
        "Anonimo", "Apri in Hearback", "Feedback", "Segnalazioni", "L'errore collegato", "Schermata",
        "Statistiche", "Ambiente", "Versione", "Pagina", "Origine", "Segnato come spam", "Stato",
        "Osserva", "Valore", "Soglia", "Tag",
        "Ricevi questa mail perché gli avvisi del progetto {project} sono attivi.", "Annulla iscrizione",
        "Altri {count} nella posta in arrivo.",
    ),
    "nl": (
        "Nieuwe feedback", "Nieuw rapport over een fout", "Waarschuwing", "Test", "{count} meldingen",
        "Van", "Anoniem", "Openen in Hearback", "Feedback", "Rapporten", "De gekoppelde fout",
        "Schermafbeelding", "Statistieken", "Omgeving", "Versie", "Pagina", "Bron", "Gemarkeerd als spam",
        "Toestand", "Bewaakt", "Waarde", "Drempel", "Tags",
        "U krijgt deze mail omdat meldingen van het project {project} aan staan.", "Afmelden",
        "Nog {count} in de inbox.",
    ),
    "pl": (
        "Nowa opinia", "Nowe zgłoszenie błędu", "Alert", "Test", "Powiadomienia: {count}", "Od", "Anonim",
        "Otwórz w Hearback", "Opinia", "Zgłoszenia", "Powiązany błąd", "Zrzut ekranu", "Statystyki",
        "Środowisko", "Wersja", "Strona", "Źródło", "Oznaczone jako spam", "Stan", "Obserwuje", "Wartość",
        "Próg", "Tagi", "Otrzymujesz tę wiadomość, ponieważ alerty projektu {project} są włączone.",
        "Wypisz się", "Jeszcze {count} w skrzynce.",
    ),
    "ru": (
        "Новый отзыв", "Новое сообщение об ошибке", "Оповещение", "Тест", "Уведомлений: {count}", "От",
        "Аноним", "Открыть в Hearback", "Отзыв", "Сообщения", "Связанная ошибка", "Снимок экрана",
        "Статистика", "Окружение", "Версия", "Страница", "Источник", "Помечено как спам", "Состояние",
        "Наблюдает", "Значение", "Порог", "Теги",
        "Вы получили это письмо, потому что для проекта {project} включены оповещения.", "Отписаться",
        "Ещё {count} во входящих.",
    ),
    "ja": (
        "新しいフィードバック", "エラーへの新しい報告", "アラート", "テスト", "通知 {count} 件", "送信者",
        "匿名", "Hearback で開く", "フィードバック", "報告", "関連するエラー", "スクリーンショット",
        "統計", "環境", "リリース", "ページ", "送信元", "スパム", "状態", "監視対象", "値", "しきい値",
        "タグ", "プロジェクト {project} の通知が有効なため、このメールを受け取っています。", "配信停止",
        "ほかに {count} 件が受信箱にあります。",
    ),
    "zh": (
        "新反馈", "新的错误报告", "警报", "测试", "{count} 条通知", "来自", "匿名", "在 Hearback 中打开",
        "反馈", "报告", "关联的错误", "截图", "统计", "环境", "版本", "页面", "来源", "已标为垃圾", "状态",
        "监视", "数值", "阈值", "标签", "您收到此邮件是因为项目 {project} 的通知已开启。", "退订",
        "收件箱中还有 {count} 条。",
    ),
    "ko": (
        "새 피드백", "오류에 대한 새 보고", "경보", "테스트", "알림 {count}건", "보낸 사람", "익명",
        "Hearback에서 열기", "피드백", "보고", "연결된 오류", "스크린샷", "통계", "환경", "릴리스",
        "페이지", "출처", "스팸으로 표시됨", "상태", "감시 대상", "값", "임계값", "태그",
        "프로젝트 {project}의 알림이 켜져 있어 이 메일을 받았습니다.", "수신 거부",
        "받은 편지함에 {count}건이 더 있습니다.",
    ),
    "ar": (
        "ملاحظات جديدة", "تقرير جديد عن خطأ", "تنبيه", "اختبار", "{count} إشعارات", "من", "مجهول",
        "افتح في Hearback", "الملاحظات", "التقارير", "الخطأ المرتبط", "لقطة الشاشة", "الإحصاءات", "البيئة",
        "الإصدار", "الصفحة", "المصدر", "مصنف كرسالة مزعجة", "الحالة", "يراقب", "القيمة", "الحد", "الوسوم",
        "تصلك هذه الرسالة لأن تنبيهات المشروع {project} مفعلة لك.", "إلغاء الاشتراك",
        "{count} أخرى في صندوق الوارد.",
    ),
}  # fmt: skip


def language_of(wanted: str | None) -> str:
    """Return the language of a tag such as `de-AT`; English when there are no words in it."""
    short = (wanted or DEFAULT).replace("_", "-").split("-")[0].lower()
    return short if short in _WORDS else DEFAULT


def words(language: str | None) -> dict[str, str]:
    """Return the words of a language by key."""
    return dict(zip(KEYS, _WORDS[language_of(language)], strict=True))


LANGUAGES: Final = tuple(_WORDS)
