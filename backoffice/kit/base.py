"""What all pages of the back-office have in common."""

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from django.contrib.admin import ShowFacets
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.paginator import InfinitePaginator

DEEPEST_PAGE = 200
EXACT_SEARCH = _("Exact ID, not a part of it")


def badge(text: Any, color: str | None) -> SafeString:
    """A coloured label; `color` is success, info, primary, warning, danger or nothing."""
    return render_to_string("unfold/helpers/label.html", {"text": text, "type": color})


def text_link(address: str, text: Any) -> SafeString:
    """Words that lead somewhere."""
    return format_html('<a href="{}" class="text-link">{}</a>', address, text)


def row_link(table: str, pk: Any, text: Any) -> SafeString:
    """Words that lead to the page of one row; `table` is app and model, as in `referral_referralevent`."""
    return text_link(reverse(f"admin:{table}_change", args=[pk]), text)


def json_block(value: Any) -> SafeString:
    """JSON to be read by people."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return format_html('<pre class="font-mono text-xs overflow-auto whitespace-pre-wrap">{}</pre>', text)


class StaffAdmin(ModelAdmin):
    """A list that stays fast on big tables: no facets are counted, and search takes whole ids only."""

    show_facets = ShowFacets.NEVER
    list_per_page = 50
    list_disable_select_all = True
    empty_value_display = "–"
    # Tried one after another, so that each search can use its own index; the first that finds anything wins.
    exact_lookups: tuple[str, ...] = ()
    # What stands in the column before the id that people know.
    exact_prefixes: Mapping[str, str] = {}

    def title_of(self, row: Any) -> str:
        """What the page of one row is called."""
        return str(row)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """The row; the heading above its page asks the request for its title."""
        row = None if "\x00" in object_id else super().get_object(request, object_id, from_field)
        if row is not None:
            # The request carries it to the page.
            request.object_title = self.title_of(row)  # type: ignore[attr-defined]
        return row

    def row_to_view(self, request: HttpRequest, object_id: Any) -> Any:
        """The row, for a page of its own about it. Raises Http404, and PermissionDenied without the right."""
        row = self.get_object(request, str(object_id))
        if row is None:
            raise Http404
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        return row

    def get_search_fields(self, request: HttpRequest) -> list[str] | tuple[str, ...]:
        """Shows the search box where there is something to search by."""
        return self.exact_lookups or tuple(super().get_search_fields(request))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Rows that carry exactly this id; every row without a term."""
        term = search_term.strip()
        if not self.exact_lookups:
            return super().get_search_results(request, queryset, search_term)
        if not term:
            return queryset, False
        for lookup in self.exact_lookups:
            try:
                found = queryset.filter(**{lookup: self.exact_prefixes.get(lookup, "") + term})
            except ValidationError:
                continue  # The text is no UUID, so it is not this id.
            if found.exists():
                return found, False
        return queryset.none(), False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """History and money are never deleted."""
        return False


class BoundedPaginator(InfinitePaginator):
    """Counts nothing, and ends at DEEPEST_PAGE: what is further down is found by filters and searches."""

    @cached_property
    def count(self) -> int:
        """As if the list were as long as can be paged through."""
        return DEEPEST_PAGE * int(self.per_page)


class ReadOnlyAdmin(StaffAdmin):
    """Rows that the service writes and people only look at. They may be millions, newest first.

    No column can be sorted by: that would read them all. Small tables say otherwise by `sortable_by = None`.
    """

    show_full_result_count = False
    paginator: Any = BoundedPaginator
    sortable_by: Any = ()

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """The row, read once for a page: what decides on its buttons asks for it, too."""
        rows = request.__dict__.setdefault("rows_read", {})
        key = (self.model, object_id, from_field)
        if key not in rows:
            rows[key] = super().get_object(request, object_id, from_field)
        return rows[key]

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """A list that does not show as a number of results what nobody has counted."""
        rows = super().get_changelist_instance(request)
        if self.paginator is BoundedPaginator:
            rows.full_result_count = rows.result_count
        return rows

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any
    ) -> Any:
        """A page without the button to a history that nobody writes here."""
        context |= {"subtitle": getattr(request, "object_title", None), "show_history": False}
        return super().render_change_form(request, context, *args, **options)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """The service makes the rows."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """The service changes the rows."""
        return False


class ReadOnlyInline(TabularInline):
    """Rows of a trail beneath what they belong to."""

    extra = 0
    per_page = 20
    hide_title = True
    can_delete = False
    show_change_link = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """The service makes the rows."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """The service changes the rows."""
        return False
