"""Problems of a campaign's content, told beside the fields of a form."""

from api.errors import Details, Text

NESTED = ("reward_rules", "scope")


def problem_text(sentence: Text) -> str:
    """A sentence of the rules in the reader's language."""
    return str(sentence)


def by_field(details: Details) -> dict[str, list[str]]:
    """The problems by form field; those inside JSON say at which path."""
    found: dict[str, list[str]] = {}
    for path, sentences in details.items():
        field, _, inner = path.partition(".")
        place = f"{inner}: " if inner and field in NESTED else ""
        texts = [place + problem_text(sentence) for sentence in sentences]
        found.setdefault(field, []).extend(texts)
    return found
