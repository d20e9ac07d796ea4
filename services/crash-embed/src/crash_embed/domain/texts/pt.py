"""The dialog in Portuguese."""

TEXTS = {
    "title": "Algo deu errado do nosso lado",
    "subtitle": "Nossa equipe já foi avisada do erro.",
    "subtitle2": "Conte o que aconteceu para podermos corrigi-lo mais depressa.",
    "labelName": "Nome",
    "labelEmail": "E-mail",
    "labelComments": "O que aconteceu?",
    "labelClose": "Fechar",
    "labelSubmit": "Enviar relatório",
    "errorGeneric": "Não foi possível enviar o relatório. O seu texto continua aqui: tente novamente.",
    "errorBusy": (
        "Há demasiados relatórios a chegar neste momento. "
        "O seu texto continua aqui: tente novamente dentro de um minuto."
    ),
    "errorFormEntry": "Alguns campos precisam de correção. Verifique e envie novamente.",
    "successMessage": "Obrigado! O seu relatório foi enviado.",
    "placeholderName": "Maria Silva",
    "placeholderEmail": "maria@example.com",
    "placeholderComments": "Cliquei em “Salvar” e a página ficou em branco.",
    "optional": "opcional",
    "sending": "Enviando…",
    "fieldRequired": "Preencha este campo.",
    "fieldEmail": "Digite um endereço como maria@example.com.",
    "fieldLong": "Use no máximo {max} caracteres.",
    "fieldInvalid": "Verifique este campo.",
    "branding": "Relatórios de erro por Hearback",
}
