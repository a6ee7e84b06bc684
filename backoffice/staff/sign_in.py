"""The form by which staff sign in."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import ngettext
from unfold.forms import AuthenticationForm

from access.audit import Verb, audit_note
from access.people import person_name
from access.sign_in import tries_count, tries_forget, tries_keys


class SignInForm(AuthenticationForm):
    """Name and password; too many wrong ones need patience, even for the right one."""

    def clean(self) -> dict[str, Any]:
        """Count the try, check the password, and forget the tries of who got in."""
        name = str(self.cleaned_data.get("username", ""))
        keys = tries_keys(name, self.request.META)
        if wait := tries_count(keys):
            minutes = -(-int(wait.total_seconds()) // 60) or 1
            raise ValidationError(
                ngettext(
                    "Too many sign-in attempts. Try again in %(minutes)d minute.",
                    "Too many sign-in attempts. Try again in %(minutes)d minutes.",
                    minutes,
                ),
                params={"minutes": minutes},
            )
        cleaned: dict[str, Any] = super().clean()
        with transaction.atomic():
            tries_forget(keys)
            audit_note(by=person_name(self.get_user()), verb=Verb.SIGNED_IN, target=self.get_user())
        return cleaned
