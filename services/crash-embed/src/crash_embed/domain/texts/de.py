"""The dialog in German."""

TEXTS = {
    "title": "Bei uns ist etwas schiefgelaufen",
    "subtitle": "Unser Team wurde über den Fehler informiert.",
    "subtitle2": "Beschreiben Sie kurz, was passiert ist, dann können wir ihn schneller beheben.",
    "labelName": "Name",
    "labelEmail": "E-Mail",
    "labelComments": "Was ist passiert?",
    "labelClose": "Schließen",
    "labelSubmit": "Bericht senden",
    "errorGeneric": "Das Senden hat nicht geklappt. Ihr Text ist noch da, bitte versuchen Sie es erneut.",
    "errorBusy": (
        "Im Moment kommen zu viele Berichte an. "
        "Ihr Text ist noch da, bitte versuchen Sie es in einer Minute erneut."
    ),
    "errorFormEntry": "Einige Angaben fehlen oder stimmen nicht. Bitte korrigieren Sie sie und senden Sie erneut.",
    "successMessage": "Vielen Dank! Ihr Bericht wurde gesendet.",
    "placeholderName": "Erika Muster",
    "placeholderEmail": "erika@example.com",
    "placeholderComments": "Ich habe auf „Speichern“ geklickt, dann wurde die Seite weiß.",
    "optional": "freiwillig",
    "sending": "Wird gesendet …",
    "fieldRequired": "Bitte füllen Sie dieses Feld aus.",
    "fieldEmail": "Bitte geben Sie eine E-Mail-Adresse wie erika@example.com ein.",
    "fieldLong": "Bitte verwenden Sie höchstens {max} Zeichen.",
    "fieldInvalid": "Bitte prüfen Sie dieses Feld.",
    "branding": "Fehlerberichte mit Hearback",
}
