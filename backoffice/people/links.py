"""How the back-office pages speak of people: a user's id, leading to the page about that user."""

from urllib.parse import urlencode

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString


def user_page(user_id: str) -> str:
    """The address of the page about a user; an id may hold any sign, so it is a parameter."""
    return f"{reverse('admin:support_user')}?{urlencode({'id': user_id})}"


def user_link(user_id: str) -> SafeString:
    """The user's id, leading to the page about that user."""
    return format_html('<a href="{}" class="text-link">{}</a>', user_page(user_id), user_id)
