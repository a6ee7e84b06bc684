"""The tree of whom a user has invited, as SVG: computed here, drawn by templates/admin/support/tree.html."""

from dataclasses import dataclass, field

from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from backoffice.people.labels import user_page
from campaigns.rules.wording import ROLES
from kernel.humanize.amounts import amount_text
from referral.models import UserRole
from rewards.support.user.tree import Person

COLUMN, ROW = 260, 34
BOX_WIDTH, BOX_HEIGHT = 216, 26
MARGIN = 4
# Longer ids end in an ellipsis; the whole id is in the title and in the list.
LETTERS = 24


@dataclass(frozen=True, slots=True)
class Node:
    """One box from its top left corner: a person, or how many more there are."""

    x: int
    y: int
    text: str
    title: str
    page: str
    role: str = ""
    is_more: bool = False

    @property
    def text_x(self) -> int:
        """Where its text begins."""
        return self.x + 10

    @property
    def text_y(self) -> int:
        """Where its text stands."""
        return self.y + 17

    @property
    def role_x(self) -> int:
        """Where the name of the role ends."""
        return self.x + BOX_WIDTH - 10


@dataclass(slots=True)
class Drawing:
    """All boxes, and the lines between them as paths."""

    nodes: list[Node] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    rows: int = 0

    @property
    def width(self) -> int:
        """As wide as three columns."""
        return 2 * COLUMN + BOX_WIDTH + 2 * MARGIN

    @property
    def height(self) -> int:
        """As high as its rows."""
        return max(1, self.rows) * ROW + MARGIN


def drawing_of(root: Person) -> Drawing:
    """The user at the left, those invited to the right of who invited them, newest above."""
    drawing = Drawing()
    _draw(drawing, root, 0, None)
    return drawing


def invited_page(user_id: str) -> str:
    """The list of all whom the user has invited."""
    page = reverse("admin:referral_referralrelation_changelist")
    return f"{page}?{urlencode({'referrer_user_id__exact': user_id})}"


def more_text(number: int) -> str:
    """How many are not shown."""
    return ngettext("and %s more", "and %s more", number) % amount_text(number)


def role_text(role: str) -> str:
    """A role worth mentioning."""
    return "" if role in ("", UserRole.Role.USER) else str(ROLES[role])


def _draw(drawing: Drawing, person: Person, level: int, parent_row: int | None) -> None:
    """A person in the next free row, then whom they invited in the column to the right."""
    row = drawing.rows
    role = role_text(person.role)
    short = _short(person.user_id, LETTERS - len(role) - 1 if role else LETTERS)
    title = f"{person.user_id}, {role}" if role else person.user_id
    drawing.nodes.append(
        Node(*_place(level, row), text=short, title=title, page=user_page(person.user_id), role=role)
    )
    if parent_row is not None:
        drawing.lines.append(_line(level, parent_row, row))
    for child in person.invited:
        _draw(drawing, child, level + 1, row)
    if person.more and level < 2:
        _draw_more(drawing, person, level + 1, row)
    if not person.invited and not (person.more and level < 2):
        drawing.rows += 1


def _draw_more(drawing: Drawing, person: Person, level: int, parent_row: int) -> None:
    text = more_text(person.more)
    title = _("Everyone %s invited") % person.user_id
    drawing.nodes.append(
        Node(
            *_place(level, drawing.rows),
            text=text,
            title=title,
            page=invited_page(person.user_id),
            is_more=True,
        )
    )
    drawing.lines.append(_line(level, parent_row, drawing.rows))
    drawing.rows += 1


def _place(level: int, row: int) -> tuple[int, int]:
    return MARGIN + level * COLUMN, MARGIN + row * ROW


def _line(level: int, parent_row: int, row: int) -> str:
    """From the right edge of the parent, down, to the left edge of the child."""
    x, y = _place(level, row)
    start_x, start_y = _place(level - 1, parent_row)
    middle = BOX_HEIGHT // 2
    turn = x - (COLUMN - BOX_WIDTH) // 2
    return f"M{start_x + BOX_WIDTH} {start_y + middle}H{turn}V{y + middle}H{x}"


def _short(user_id: str, letters: int) -> str:
    return user_id if len(user_id) <= letters else f"{user_id[: letters - 1]}…"
