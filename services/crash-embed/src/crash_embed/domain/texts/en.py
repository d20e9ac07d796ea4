"""The dialog in English."""

TEXTS = {
    "title": "Something went wrong on our side",
    "subtitle": "The error has been reported to our team.",
    "subtitle2": "Tell us what happened, and we can fix it sooner.",
    "labelName": "Name",
    "labelEmail": "Email",
    "labelComments": "What happened?",
    "labelClose": "Close",
    "labelSubmit": "Send report",
    "errorGeneric": "Your report could not be sent. Nothing you wrote is lost: please try again.",
    "errorBusy": (
        "Too many reports are coming in at the moment. Nothing you wrote is lost: please try again in a minute."
    ),
    "errorFormEntry": "Some fields need your attention. Please correct them and send again.",
    "successMessage": "Thank you! Your report has been sent.",
    "placeholderName": "Jane Doe",
    "placeholderEmail": "jane@example.com",
    "placeholderComments": "I clicked “Save”, and then the page went blank.",
    "optional": "optional",
    "sending": "Sending…",
    "fieldRequired": "Please fill in this field.",
    "fieldEmail": "Please enter an email address such as jane@example.com.",
    "fieldLong": "Please use at most {max} characters.",
    "fieldInvalid": "Please check this field.",
    "branding": "Crash reports by Hearback",
}
