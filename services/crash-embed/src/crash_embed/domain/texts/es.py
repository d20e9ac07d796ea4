"""The dialog in Spanish."""

TEXTS = {
    "title": "Algo ha fallado por nuestra parte",
    "subtitle": "Nuestro equipo ya ha recibido el error.",
    "subtitle2": "Cuéntenos qué ha pasado y podremos solucionarlo antes.",
    "labelName": "Nombre",
    "labelEmail": "Correo electrónico",
    "labelComments": "¿Qué ha pasado?",
    "labelClose": "Cerrar",
    "labelSubmit": "Enviar informe",
    "errorGeneric": "No se ha podido enviar el informe. Su texto sigue aquí: inténtelo de nuevo.",
    "errorBusy": (
        "En este momento llegan demasiados informes. Su texto sigue aquí: inténtelo de nuevo en un minuto."
    ),
    "errorFormEntry": "Hay campos que corregir. Revíselos y vuelva a enviar.",
    "successMessage": "¡Gracias! Su informe se ha enviado.",
    "placeholderName": "María Pérez",
    "placeholderEmail": "maria@example.com",
    "placeholderComments": "Pulsé «Guardar» y la página se quedó en blanco.",
    "optional": "opcional",
    "sending": "Enviando…",
    "fieldRequired": "Rellene este campo.",
    "fieldEmail": "Introduzca una dirección como maria@example.com.",
    "fieldLong": "Use como máximo {max} caracteres.",
    "fieldInvalid": "Revise este campo.",
    "branding": "Informes de error con Hearback",
}
