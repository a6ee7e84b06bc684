"""Parameters of lists, as `kernel.paging` reads them."""

from http_api.openapi.describing import Parameter, identifier, whole
from kernel.paging import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE


def pages(default: int) -> tuple[Parameter, ...]:
    """`page` and `page_size`, which is `default` unless told otherwise."""
    return (
        whole("page", "Which page, from 1.", least=1, most=100_000, default=1),
        whole("page_size", "How many items a page has.", least=1, most=MAX_PAGE_SIZE, default=default),
    )


PAGE = pages(DEFAULT_PAGE_SIZE)
CURSOR = identifier("cursor", "`next_cursor` of the page before; better than `page` where lists are long.")
