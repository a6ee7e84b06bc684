"""Types of values and answers on the wire: what the OpenAPI document is made of.

Annotations only: at run time they cost nothing and change nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, TypedDict

import msgspec

# A time in a body is read by `kernel.decoding.time_of`.
Moment = Annotated[
    str,
    msgspec.Meta(
        description="An ISO 8601 time with an offset.",
        examples=["2025-06-01T09:30:00Z"],
        extra_json_schema={"format": "date-time"},
    ),
]
# An amount in a body is read by `kernel.decoding.amount_of`.
Amount = Annotated[
    Any,
    msgspec.Meta(
        description="A number, or a text of digits, with up to 12 digits before and 9 after the point.",
        examples=[500, "500.25"],
        extra_json_schema={
            "anyOf": [
                {"type": "number", "minimum": 0, "exclusiveMaximum": 10**12},
                {"type": "string", "pattern": r"^[0-9]{1,12}(\.[0-9]{1,9})?$"},
                {"type": "null"},
            ]
        },
    ),
]
# Free JSON in a body is read by `kernel.decoding.metadata_of`.
Metadata = Annotated[
    msgspec.Raw,
    msgspec.Meta(
        description="A JSON object of at most 8 KB.",
        examples=[{"country_id": "ID"}],
        extra_json_schema={"type": ["object", "null"]},
    ),
]
G2A = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[0-9]+\.[0-9]{9}$",
        description="An amount of G2A with nine places.",
        examples=["1.500000000"],
    ),
]
Points = Annotated[int, msgspec.Meta(ge=0, description="Whole points.", examples=[100])]
Time = Annotated[datetime, msgspec.Meta(description="UTC.", examples=["2025-06-01T09:30:00Z"])]


class Page(TypedDict):
    """Where in a list an answer stands; each list adds its `items`."""

    page: Annotated[int, msgspec.Meta(ge=1)]
    page_size: Annotated[int, msgspec.Meta(ge=1, le=100)]
    total: Annotated[int, msgspec.Meta(ge=0, description="How many there are in all.")]


ErrorDetails = Annotated[
    Mapping[str, Sequence[str]],
    msgspec.Meta(description="By the path of each offending field: what is wrong with it."),
]


class ErrorBody(TypedDict):
    """What went wrong."""

    code: Annotated[str, msgspec.Meta(description="Stable, never translated.")]
    http_status: int
    message: Annotated[str, msgspec.Meta(description="One sentence that a person understands.")]
    details: ErrorDetails


class Error(TypedDict):
    """Every answer that is not 2xx."""

    error: ErrorBody
    request_id: Annotated[str, msgspec.Meta(description="The id of this request, as in X-Request-Id.")]
