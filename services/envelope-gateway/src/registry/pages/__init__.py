"""Pages of the registry that people reach by a link in a mail. They work without scripts and without a session."""
