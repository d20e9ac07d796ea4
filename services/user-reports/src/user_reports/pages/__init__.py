"""Pages for people: an error group with its reports, and the reports that have no error."""
