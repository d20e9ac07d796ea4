"""Translations of mails, in the languages of the crash-report dialog."""

from collections.abc import Mapping
from typing import Final

DEFAULT: Final = "en"
RIGHT_TO_LEFT: Final = frozenset({"ar"})
KEYS: Final = (
    "new_feedback", "new_report", "alert", "test", "digest", "from", "anonymous", "open", "feedback",
    "reports", "error", "screenshot", "stats", "environment", "release", "page", "source", "spam", "state",
    "watches", "value", "threshold", "tags", "why", "unsubscribe", "more", "yes", "by_widget", "by_sdk", "by_api",
    "by_dialog", "by_late_error", "firing", "resolved", "discards", "discard_share", "silence", "test_text",
)  # fmt: skip
_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "en": (
        "New feedback", "New report on an error", "Alert", "Test", "{count} notices", "From", "Anonymous",
        "Open in Hearback", "Feedback", "Reports", "The linked error", "Screenshot", "Stats",
        "Environment", "Release", "Page", "Source", "Marked as spam", "State", "Watches", "Value",
        "Threshold", "Tags", "You get this mail because alerts of the project {project} are on for you.",
        "Unsubscribe", "{count} more are in the inbox.",
        "yes", "Feedback widget or API", "User report of an SDK", "User report through the API",
        "Crash-report dialog", "User report whose error came later", "Alarm", "Back to normal",
        "Dropped submissions", "Share of dropped submissions", "Silence: nothing arrives",
        "This is a test of a notification rule; no feedback was sent.",
    ),
    "de": (
        "Neues Feedback", "Neuer Bericht zu einem Fehler", "Alarm", "Test", "{count} Meldungen", "Von",
        "Anonym", "In Hearback öffnen", "Feedback", "Berichte", "Der verknüpfte Fehler", "Bildschirmfoto",
        "Statistik", "Umgebung", "Version", "Seite", "Quelle", "Als Spam markiert", "Zustand", "Überwacht",
        "Wert", "Schwelle", "Tags",
        "Sie erhalten diese Mail, weil Meldungen des Projekts {project} für Sie eingeschaltet sind.",
        "Abbestellen", "{count} weitere sind im Posteingang.",
        "ja", "Feedback-Formular oder API", "Bericht aus einem SDK", "Bericht über die API",
        "Dialog nach einem Absturz", "Bericht, dessen Fehler später kam", "Alarm", "Wieder normal",
        "Verworfene Einsendungen", "Anteil verworfener Einsendungen", "Stille: nichts kommt an",
        "Dies ist ein Test einer Benachrichtigungsregel; es wurde kein Feedback gesendet.",
    ),
    "fr": (
        "Nouveau commentaire", "Nouveau rapport sur une erreur", "Alerte", "Test", "{count} notifications",
        "De", "Anonyme", "Ouvrir dans Hearback", "Commentaire", "Rapports", "L'erreur liée",
        "Capture d'écran", "Statistiques", "Environnement", "Version", "Page", "Source",
        "Marqué comme spam", "État", "Surveille", "Valeur", "Seuil", "Tags",
        "Vous recevez ce message car les alertes du projet {project} sont activées.", "Se désabonner",
        "{count} de plus dans la boîte de réception.",
        "oui", "Formulaire de commentaires ou API", "Rapport d'un SDK", "Rapport par l'API",
        "Dialogue après un plantage", "Rapport dont l'erreur est arrivée plus tard", "Alarme",
        "Retour à la normale", "Envois rejetés", "Part des envois rejetés", "Silence : rien n'arrive",
        "Ceci est un test d'une règle de notification ; aucun commentaire n'a été envoyé.",
    ),
    "es": (
        "Nuevo comentario", "Nuevo informe sobre un error", "Alerta", "Prueba", "{count} avisos", "De",
        "Anónimo", "Abrir en Hearback", "Comentario", "Informes", "El error vinculado",
        "Captura de pantalla", "Estadísticas", "Entorno", "Versión", "Página", "Origen",
        "Marcado como spam", "Estado", "Vigila", "Valor", "Umbral", "Etiquetas",
        "Recibe este correo porque los avisos del proyecto {project} están activados.", "Darse de baja",
        "{count} más en la bandeja de entrada.",
        "sí", "Formulario de comentarios o API", "Informe de un SDK", "Informe por la API",
        "Diálogo tras un fallo", "Informe cuyo error llegó después", "Alarma", "De nuevo normal",
        "Envíos descartados", "Proporción de envíos descartados", "Silencio: no llega nada",
        "Esto es una prueba de una regla de aviso; no se envió ningún comentario.",
    ),
    "pt": (
        "Novo feedback", "Novo relato sobre um erro", "Alerta", "Teste", "{count} avisos", "De", "Anônimo",
        "Abrir no Hearback", "Feedback", "Relatos", "O erro vinculado", "Captura de tela", "Estatísticas",
        "Ambiente", "Versão", "Página", "Origem", "Marcado como spam", "Estado", "Observa", "Valor",
        "Limite", "Tags", "Você recebe este e-mail porque os alertas do projeto {project} estão ativados.",
        "Cancelar inscrição", "Mais {count} na caixa de entrada.",
        "sim", "Formulário de feedback ou API", "Relato de um SDK", "Relato pela API",
        "Diálogo após uma falha", "Relato cujo erro chegou depois", "Alarme", "De volta ao normal",
        "Envios descartados", "Parcela de envios descartados", "Silêncio: nada chega",
        "Este é um teste de uma regra de aviso; nenhum feedback foi enviado.",
    ),
    "it": (
        "Nuovo feedback", "Nuova segnalazione su un errore", "Avviso", "Prova", "{count} avvisi", "Da",
        "Anonimo", "Apri in Hearback", "Feedback", "Segnalazioni", "L'errore collegato", "Schermata",
        "Statistiche", "Ambiente", "Versione", "Pagina", "Origine", "Segnato come spam", "Stato",
        "Osserva", "Valore", "Soglia", "Tag",
        "Ricevi questa mail perché gli avvisi del progetto {project} sono attivi.", "Annulla iscrizione",
        "Altri {count} nella posta in arrivo.",
        "sì", "Modulo di feedback o API", "Segnalazione di un SDK", "Segnalazione tramite API",
        "Finestra dopo un arresto", "Segnalazione il cui errore è arrivato dopo", "Allarme",
        "Di nuovo normale", "Invii scartati", "Quota di invii scartati", "Silenzio: non arriva nulla",
        "Questa è una prova di una regola di avviso; non è stato inviato alcun feedback.",
    ),
    "nl": (
        "Nieuwe feedback", "Nieuw rapport over een fout", "Waarschuwing", "Test", "{count} meldingen",
        "Van", "Anoniem", "Openen in Hearback", "Feedback", "Rapporten", "De gekoppelde fout",
        "Schermafbeelding", "Statistieken", "Omgeving", "Versie", "Pagina", "Bron", "Gemarkeerd als spam",
        "Toestand", "Bewaakt", "Waarde", "Drempel", "Tags",
        "U krijgt deze mail omdat meldingen van het project {project} aan staan.", "Afmelden",
        "Nog {count} in de inbox.",
        "ja", "Feedbackformulier of API", "Rapport van een SDK", "Rapport via de API", "Dialoog na een crash",
        "Rapport waarvan de fout later kwam", "Alarm", "Weer normaal", "Verworpen inzendingen",
        "Aandeel verworpen inzendingen", "Stilte: er komt niets binnen",
        "Dit is een test van een meldingsregel; er is geen feedback verstuurd.",
    ),
    "pl": (
        "Nowa opinia", "Nowe zgłoszenie błędu", "Alert", "Test", "Powiadomienia: {count}", "Od", "Anonim",
        "Otwórz w Hearback", "Opinia", "Zgłoszenia", "Powiązany błąd", "Zrzut ekranu", "Statystyki",
        "Środowisko", "Wersja", "Strona", "Źródło", "Oznaczone jako spam", "Stan", "Obserwuje", "Wartość",
        "Próg", "Tagi", "Otrzymujesz tę wiadomość, ponieważ alerty projektu {project} są włączone.",
        "Wypisz się", "Jeszcze {count} w skrzynce.",
        "tak", "Formularz opinii lub API", "Zgłoszenie z SDK", "Zgłoszenie przez API", "Okno po awarii",
        "Zgłoszenie, którego błąd nadszedł później", "Alarm", "Znów w normie", "Odrzucone przesyłki",
        "Udział odrzuconych przesyłek", "Cisza: nic nie nadchodzi",
        "To jest test reguły powiadomień; nie wysłano żadnej opinii.",
    ),
    "ru": (
        "Новый отзыв", "Новое сообщение об ошибке", "Оповещение", "Тест", "Уведомлений: {count}", "От",
        "Аноним", "Открыть в Hearback", "Отзыв", "Сообщения", "Связанная ошибка", "Снимок экрана",
        "Статистика", "Окружение", "Версия", "Страница", "Источник", "Помечено как спам", "Состояние",
        "Наблюдает", "Значение", "Порог", "Теги",
        "Вы получили это письмо, потому что для проекта {project} включены оповещения.", "Отписаться",
        "Ещё {count} во входящих.",
        "да", "Форма отзыва или API", "Сообщение из SDK", "Сообщение через API", "Окно после сбоя",
        "Сообщение, ошибка которого пришла позже", "Тревога", "Снова в норме", "Отброшенные отправки",
        "Доля отброшенных отправок", "Тишина: ничего не приходит",
        "Это проверка правила оповещений; отзыва никто не отправлял.",
    ),
    "ja": (
        "新しいフィードバック", "エラーへの新しい報告", "アラート", "テスト", "通知 {count} 件", "送信者",
        "匿名", "Hearback で開く", "フィードバック", "報告", "関連するエラー", "スクリーンショット",
        "統計", "環境", "リリース", "ページ", "送信元", "スパム", "状態", "監視対象", "値", "しきい値",
        "タグ", "プロジェクト {project} の通知が有効なため、このメールを受け取っています。", "配信停止",
        "ほかに {count} 件が受信箱にあります。",
        "はい", "フィードバックフォームまたは API", "SDK からの報告", "API からの報告",
        "クラッシュ後のダイアログ", "後からエラーが届いた報告", "警報",
        "正常に戻りました", "破棄された送信", "破棄された送信の割合", "無音: 何も届いていません",
        "これは通知ルールのテストです。フィードバックは送信されていません。",
    ),
    "zh": (
        "新反馈", "新的错误报告", "警报", "测试", "{count} 条通知", "来自", "匿名", "在 Hearback 中打开",
        "反馈", "报告", "关联的错误", "截图", "统计", "环境", "版本", "页面", "来源", "已标为垃圾", "状态",
        "监视", "数值", "阈值", "标签", "您收到此邮件是因为项目 {project} 的通知已开启。", "退订",
        "收件箱中还有 {count} 条。",
        "是", "反馈表单或 API", "SDK 的报告", "通过 API 的报告", "崩溃报告对话框", "错误稍后才到的报告",
        "警报", "恢复正常", "被丢弃的提交", "被丢弃提交的比例",
        "静默:没有收到任何内容", "这是通知规则的测试,没有发送任何反馈。",
    ),
    "ko": (
        "새 피드백", "오류에 대한 새 보고", "경보", "테스트", "알림 {count}건", "보낸 사람", "익명",
        "Hearback에서 열기", "피드백", "보고", "연결된 오류", "스크린샷", "통계", "환경", "릴리스",
        "페이지", "출처", "스팸으로 표시됨", "상태", "감시 대상", "값", "임계값", "태그",
        "프로젝트 {project}의 알림이 켜져 있어 이 메일을 받았습니다.", "수신 거부",
        "받은 편지함에 {count}건이 더 있습니다.",
        "예", "피드백 양식 또는 API", "SDK의 보고", "API를 통한 보고", "오류 보고 대화 상자",
        "오류가 나중에 도착한 보고", "경보", "정상으로 돌아옴",
        "버려진 제출", "버려진 제출의 비율", "침묵: 아무것도 도착하지 않음",
        "알림 규칙의 테스트입니다. 피드백은 전송되지 않았습니다.",
    ),
    "ar": (
        "ملاحظات جديدة", "تقرير جديد عن خطأ", "تنبيه", "اختبار", "{count} إشعارات", "من", "مجهول",
        "افتح في Hearback", "الملاحظات", "التقارير", "الخطأ المرتبط", "لقطة الشاشة", "الإحصاءات", "البيئة",
        "الإصدار", "الصفحة", "المصدر", "مصنف كرسالة مزعجة", "الحالة", "يراقب", "القيمة", "الحد", "الوسوم",
        "تصلك هذه الرسالة لأن تنبيهات المشروع {project} مفعلة لك.", "إلغاء الاشتراك",
        "{count} أخرى في صندوق الوارد.",
        "نعم", "نموذج الملاحظات أو API", "تقرير من SDK", "تقرير عبر API", "نافذة ما بعد العطل",
        "تقرير وصل خطؤه لاحقا", "إنذار", "عاد إلى الوضع الطبيعي", "الإرسالات المرفوضة",
        "نسبة الإرسالات المرفوضة", "صمت: لا يصل شيء", "هذا اختبار لقاعدة إشعار؛ لم ترسل أي ملاحظات.",
    ),
}  # fmt: skip


def language_of(wanted: str | None) -> str:
    """Return the supported language of a tag such as `de-AT`, else English."""
    short = (wanted or DEFAULT).replace("_", "-").split("-")[0].lower()
    return short if short in _WORDS else DEFAULT


def words(language: str | None) -> dict[str, str]:
    """Return the texts of a language by key."""
    return dict(zip(KEYS, _WORDS[language_of(language)], strict=True))


LANGUAGES: Final = tuple(_WORDS)
_CODES: Final[Mapping[tuple[str, str], str]] = {
    ("source", "new_feedback_envelope"): "by_widget",
    ("source", "user_report_envelope"): "by_sdk",
    ("source", "user_report_sentry_django_endpoint"): "by_api",
    ("source", "crash_report_embed_form"): "by_dialog",
    ("source", "update_user_reports_task"): "by_late_error",
    ("spam", "yes"): "yes",
    ("spam", "!"): "yes",  # written by the previous release
    ("state", "firing"): "firing",
    ("state", "resolved"): "resolved",
    ("watches", "discards"): "discards",
    ("watches", "discard_share"): "discard_share",
    ("watches", "silence"): "silence",
}


def in_words(label: str, value: str, phrases: Mapping[str, str]) -> str:
    """Return the value of a fact, codes translated."""
    return phrases.get(_CODES.get((label, value), ""), value)
