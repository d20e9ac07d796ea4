"""Pages for people: what came in and what became of it, outcomes over time, alert rules on losses."""
