"""Files that somebody stops reading: what they come from ends at once, not when it is collected."""

import pytest

from http_api.kit.csv_files import csv_response

# Closing an answer closes the connection of its thread, so nothing may depend on a transaction there.
pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.mark.parametrize("read", [0, 1, 3])
def test_a_file_that_is_closed_early_ends_what_its_rows_come_from(read):
    # given
    ended = []

    def rows():
        try:
            for number in range(1000):
                yield (number,)
        finally:
            ended.append(True)

    answer = csv_response("report.csv", ["number"], rows())
    lines = iter(answer)
    for _ in range(read):
        next(lines)
    assert not ended

    # when
    answer.close()

    # then
    assert ended == [True]


def test_a_file_that_is_read_is_whole():
    answer = csv_response("report.csv", ["number"], ((number,) for number in range(3)))

    assert b"".join(answer.streaming_content) == b"number\r\n0\r\n1\r\n2\r\n"
