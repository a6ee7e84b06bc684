"""What the code cannot say by itself, for every view of the API: answers, parameters, examples."""

from collections.abc import Mapping
from typing import Any

from http_api.openapi.describing import Operation, Parameter
from http_api.openapi.operations import admin, internal, site, user

PATH_PARAMETERS: Mapping[str, Parameter] = {
    "code": Parameter(
        name="code",
        description="A referral code, in any case.",
        shape={"type": "string", "minLength": 1},
        example="K7QMWX2P",
    ),
    "user_id": Parameter(
        name="user_id",
        description="A user's id.",
        shape={"type": "string", "pattern": "^[!-~]{1,64}$"},
        example="bob",
    ),
}

# By view class and its action.
OPERATIONS: Mapping[tuple[Any, str], Operation] = {
    **user.OPERATIONS,
    **internal.OPERATIONS,
    **admin.OPERATIONS,
}

SITE = site.SITE
