"""Problems of a campaign's content, told beside the fields of a form."""

from backoffice.campaigns.fields import SCOPE_LABELS
from kernel.errors import Details

NESTED = ("reward_rules", "scope")


def by_field(details: Details) -> dict[str, list[str]]:
    """The problems by form field; those inside JSON say at which path."""
    found: dict[str, list[str]] = {}
    for path, sentences in details.items():
        field, _, inner = path.partition(".")
        place = f"{SCOPE_LABELS.get(inner, inner)}: " if inner and field in NESTED else ""
        texts = [f"{place}{sentence}" for sentence in sentences]
        found.setdefault(field, []).extend(texts)
    return found
