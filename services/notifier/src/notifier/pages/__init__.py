"""Pages for people: a project's notification rules, and what was sent to whom."""
