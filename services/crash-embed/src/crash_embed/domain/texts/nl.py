"""The dialog in Dutch."""

TEXTS = {
    "title": "Er ging bij ons iets mis",
    "subtitle": "Ons team heeft de fout doorgekregen.",
    "subtitle2": "Vertel ons wat er gebeurde, dan kunnen we het sneller oplossen.",
    "labelName": "Naam",
    "labelEmail": "E-mail",
    "labelComments": "Wat is er gebeurd?",
    "labelClose": "Sluiten",
    "labelSubmit": "Melding versturen",
    "errorGeneric": "Uw melding kon niet worden verstuurd. Uw tekst staat er nog: probeer het opnieuw.",
    "errorBusy": (
        "Er komen op dit moment te veel meldingen binnen. "
        "Uw tekst staat er nog: probeer het over een minuut opnieuw."
    ),
    "errorFormEntry": "Sommige velden kloppen nog niet. Verbeter ze en verstuur opnieuw.",
    "successMessage": "Bedankt! Uw melding is verstuurd.",
    "placeholderName": "Jan de Vries",
    "placeholderEmail": "jan@example.com",
    "placeholderComments": "Ik klikte op ‘Opslaan’ en daarna werd de pagina leeg.",
    "optional": "optioneel",
    "sending": "Wordt verstuurd…",
    "fieldRequired": "Vul dit veld in.",
    "fieldEmail": "Vul een adres in zoals jan@example.com.",
    "fieldLong": "Gebruik hooguit {max} tekens.",
    "fieldInvalid": "Controleer dit veld.",
    "branding": "Foutmeldingen via Hearback",
}
