"""Problems of a campaign's content, told beside the fields of a form and in the reader's language.

The rules are checked by code that knows no languages, so its sentences are translated here.
"""

import re

from django.utils.translation import gettext, gettext_noop

from api.errors import Details

# What stands for %s is kept as it is: keys, numbers and names of choices.
SENTENCES = (
    gettext_noop("must be a whole number"),
    gettext_noop("must be from 0 to %s"),
    gettext_noop('must be a number such as 1.5 or "1.5"'),
    gettext_noop("must have at most %s decimal places"),
    gettext_noop("must be one of: %s"),
    gettext_noop("must be an object"),
    gettext_noop("unknown key; known are: %s"),
    gettext_noop("needs locked_until_role beside it"),
    gettext_noop("a partner_onboarding campaign has no referred user to welcome"),
)
_PATTERNS = [(re.compile(re.escape(text).replace("%s", "(.+)"), re.DOTALL), text) for text in SENTENCES]
NESTED = ("reward_rules", "scope")


def problem_text(sentence: str) -> str:
    """A sentence of the rules in the reader's language; an unknown one as it is."""
    for pattern, text in _PATTERNS:
        if match := pattern.fullmatch(sentence):
            return gettext(text) % match.groups() if match.groups() else gettext(text)
    return sentence


def by_field(details: Details) -> dict[str, list[str]]:
    """The problems by form field; those inside JSON say at which path."""
    found: dict[str, list[str]] = {}
    for path, sentences in details.items():
        field, _, inner = path.partition(".")
        place = f"{inner}: " if inner and field in NESTED else ""
        texts = [place + problem_text(sentence) for sentence in sentences]
        found.setdefault(field, []).extend(texts)
    return found
