"""The dialog in French."""

TEXTS = {
    "title": "Un problème est survenu de notre côté",
    "subtitle": "Notre équipe a été informée de l’erreur.",
    "subtitle2": "Dites-nous ce qui s’est passé : nous pourrons la corriger plus vite.",
    "labelName": "Nom",
    "labelEmail": "E-mail",
    "labelComments": "Que s’est-il passé ?",
    "labelClose": "Fermer",
    "labelSubmit": "Envoyer le rapport",
    "errorGeneric": "Votre rapport n’a pas pu être envoyé. Votre texte est conservé : veuillez réessayer.",
    "errorBusy": (
        "Trop de rapports arrivent en ce moment. Votre texte est conservé : veuillez réessayer dans une minute."
    ),
    "errorFormEntry": "Certains champs sont à corriger. Veuillez les vérifier, puis renvoyer.",
    "successMessage": "Merci ! Votre rapport a bien été envoyé.",
    "placeholderName": "Marie Dupont",
    "placeholderEmail": "marie@example.com",
    "placeholderComments": "J’ai cliqué sur « Enregistrer », puis la page est devenue blanche.",
    "optional": "facultatif",
    "sending": "Envoi en cours…",
    "fieldRequired": "Veuillez remplir ce champ.",
    "fieldEmail": "Veuillez saisir une adresse e-mail comme marie@example.com.",
    "fieldLong": "Veuillez utiliser {max} caractères au maximum.",
    "fieldInvalid": "Veuillez vérifier ce champ.",
    "branding": "Rapports d’erreur par Hearback",
}
