"""Text of others that is safe to print."""


def readable(text: str) -> str:
    """Replace everything unprintable, such as line breaks and a terminal's control characters."""
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )
