"""What we know of the platform's users: the list."""

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from backoffice.kit.base import EXACT_SEARCH, ReadOnlyAdmin, badge
from backoffice.people.labels import ROLE_COLORS
from referral.models import UserRole


@admin.register(UserRole)
class UserRoleAdmin(ReadOnlyAdmin):
    """What we know of the platform's users."""

    list_display = ("user_id", "role_badge", "occurred_at", "first_heard_at")
    list_filter = ("role",)
    exact_lookups = ("pk",)
    search_help_text = EXACT_SEARCH
    fields = list_display

    @display(description=gettext_lazy("role"), ordering="role")
    def role_badge(self, user: UserRole) -> SafeString:
        """The role in its colour."""
        return badge(user.get_role_display(), ROLE_COLORS.get(user.role))
