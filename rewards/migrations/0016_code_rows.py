"""Codes instead of sentences, second part: rows of old get their codes, a portion at a time.

Each portion is a transaction of its own over a range of primary keys, so that nobody waits for long and a run that
was stopped is simply begun again: what has its code is passed over. Texts stay as they are. Progress is printed.
"""

import sys
from typing import Any

from django.db import migrations, transaction

PORTION = 5_000
PROGRESS_PORTIONS = 20

# In the order of their keys, as payouts lock them (docs/locking.md).
REWARDS = """
UPDATE {table} SET (last_error_code, last_error_params) = (
    SELECT error.code, error.params FROM referral_error_of_text(last_error) AS error
)
WHERE {key} IN (
    SELECT {key} FROM {table} WHERE {range} AND last_error <> '' AND last_error_code = ''
    ORDER BY {key} FOR NO KEY UPDATE
)
"""
TRANSITIONS = """
UPDATE {table} SET (reason_code, reason_params) = (
    SELECT found.code, found.params FROM referral_reason_of_text(from_status, to_status, actor, reason) AS found
)
WHERE {range} AND reason <> '' AND reason_code = ''
"""
ATTEMPTS = """
UPDATE {table} SET cause = referral_cause_of_attempt(outcome, http_status, message)
WHERE {range} AND cause = '' AND (outcome NOT IN ('booked', 'accepted') OR message <> '')
"""
FINDINGS = """
UPDATE {table} SET our_facts = referral_fact_of_text(ours), their_facts = referral_fact_of_text(theirs)
WHERE {range} AND our_facts IS NULL AND their_facts IS NULL AND (ours <> '' OR theirs <> '')
"""
RUNS = """
UPDATE {table} SET problem_list = referral_problems_of_text(problems)
WHERE {range} AND problems <> '' AND problem_list = '[]'
"""
PROBES = """
UPDATE {table} SET cause = coalesce((referral_error_of_text(message)).code, '')
WHERE {range} AND message <> '' AND cause = ''
"""
LINES = """
UPDATE {table} SET problem_list = referral_line_problems_of_text(problem)
WHERE {range} AND problem <> '' AND problem_list = '[]'
"""
# A group of errors is named by its code by now, unless the peer's words name it.
BULK_RETRIES = """
UPDATE {table} SET error = CASE
    WHEN known.code = 'task_failed' THEN regexp_replace(error, '^HTTP 2[0-9]{{2}} ', '') ELSE known.code
END
FROM (SELECT id AS known_id, (referral_error_of_text(error)).code FROM {table}) known
WHERE {range} AND known_id = id AND known.code NOT IN ('http_status', 'other')
"""
# Each table, the key by which it is divided, and how its rows are coded.
PARTS = (
    ("rewards_rewardtransition", "id", TRANSITIONS),
    ("rewards_payoutattempt", "id", ATTEMPTS),
    ("rewards_referralreward", "id", REWARDS),
    ("rewards_peercircuit", "peer", REWARDS),
    ("rewards_reconciliationfinding", "id", FINDINGS),
    ("rewards_reconciliationrun", "id", RUNS),
    ("rewards_peerprobe", "peer", PROBES),
    ("rewards_relationimportline", "relation_import_id", LINES),
    ("rewards_bulkretry", "id", BULK_RETRIES),
)


def code_rows(apps: Any, schema_editor: Any) -> None:
    """Give every row of old its code."""
    for table, key, statement in PARTS:
        _code_table(schema_editor.connection, table, key, statement)


def _code_table(connection: Any, table: str, key: str, statement: str) -> None:
    coded, number, after = 0, 0, None
    while (last := _end_of_portion(connection, table, key, after)) is not None:
        covered = f"{key} <= %(last)s" + (f" AND {key} > %(after)s" if after is not None else "")
        update = statement.format(table=table, key=key, range=covered)
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute(update, {"last": last, "after": after})
            coded += cursor.rowcount
        number, after = number + 1, last
        if number % PROGRESS_PORTIONS == 0:
            sys.stdout.write(f"\n    {table}: {number * PORTION} rows looked at, {coded} coded")


def _end_of_portion(connection: Any, table: str, key: str, after: Any) -> Any:
    """The greatest key of the next portion; None when there is none."""
    beyond = f"WHERE {key} > %(after)s" if after is not None else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {key} FROM (SELECT {key} FROM {table} {beyond} ORDER BY {key} LIMIT %(portion)s) portion"
            f" ORDER BY {key} DESC LIMIT 1",
            {"after": after, "portion": PORTION},
        )
        found = cursor.fetchone()
    return found[0] if found else None


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('rewards', '0015_codes'),
    ]

    operations = [
        migrations.RunPython(code_rows, migrations.RunPython.noop),
    ]
