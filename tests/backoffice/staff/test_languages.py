"""Every text of the theme is Russian too; numbers and dates are written as their readers write them."""

import re
from decimal import Decimal
from pathlib import Path

import unfold
from django.test import Client
from django.urls import reverse
from django.utils import translation

from kernel.humanize.amounts import amount_text
from tests.backoffice.world import World

THEME = Path(unfold.__file__).parent
TEXTS = (r"""{%\s*trans(?:late)?\s+(["'])(.+?)\1""", r"""(?<![A-Za-z_])_\(\s*(["'])(.+?)\1\s*\)""")


def texts_of_the_theme() -> set[str]:
    """What its templates and its code translate."""
    files = [*THEME.glob("templates/**/*.html"), *THEME.glob("*.py"), *THEME.glob("templatetags/*.py")]
    return {text for file in files for pattern in TEXTS for _, text in re.findall(pattern, file.read_text())}


def test_every_text_of_the_theme_has_its_translation() -> None:
    texts = texts_of_the_theme()
    assert len(texts) > 50

    with translation.override("ru"):
        missing = [
            text for text in texts if re.search("[A-Za-z]", text) and translation.gettext(text) == text
        ]

    assert missing == [], "add them to backoffice/unfold_texts.py"


def test_numbers_and_days_follow_the_language() -> None:
    written = {}
    for language in ("en", "ru"):
        with translation.override(language):
            written[language] = amount_text(Decimal("1234567.5"))

    assert written == {"en": "1,234,567.5", "ru": "1\xa0234\xa0567,5"}


def test_the_language_of_the_switch_stays(boss: Client, world: World) -> None:
    boss.post(reverse("set_language"), {"language": "ru", "next": "/admin/"})

    for page in ("/admin/", reverse("admin_report", args=["users"])):
        assert '<html lang="ru"' in boss.get(page).content.decode()
    assert '<html lang="ru"' in Client(HTTP_COOKIE="django_language=ru").get("/admin/login/").content.decode()
