"""The title of a feedback (protocol: feedback#titles)."""

PREFIX = "User Feedback: "
WORDS_MAX = 10
CHARACTERS_MAX = 185


def title_of(message: str) -> str:
    """Return the first ten words of the message, at most 185 characters, with `...` where something is missing."""
    title = message.strip()
    words = title.split()
    if len(words) > WORDS_MAX:
        title = " ".join(words[:WORDS_MAX]) + "..."
    if len(title) > CHARACTERS_MAX:
        title = title[: CHARACTERS_MAX - 3] + "..."
    return title
