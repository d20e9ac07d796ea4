"""The rules of the dialog: parameters, origins, form, texts, appearance. No I/O, no clock."""
