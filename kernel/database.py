"""The database below Django's models: what it looks like when away, its clock, and calling its functions."""

from datetime import datetime

import psycopg
from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connections
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, Escaping, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult

# As Django raises it, and as what goes around Django's cursors does.
DATABASE_AWAY = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)

# After a lock was waited for, what its holder committed must be seen, whatever the server's default.
BEGIN = b"BEGIN ISOLATION LEVEL READ COMMITTED; "
ALONE = b"SET TRANSACTION ISOLATION LEVEL READ COMMITTED; "


def database_now() -> datetime:
    """This moment by the database's clock, by which everything on record is dated.

    For what is written by a value; a column that is dated when its row is made has `db_default=Now()`.
    """
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        (moment,) = cursor.fetchone()
    return moment


def call(function: bytes, *arguments: bytes | None) -> PGresult:
    """Call a database function with these texts as its arguments.

    Goes around the cursors of Django and psycopg: for one row of plain values they cost as much as the rest
    of the event path. Raises as a cursor of Django does.
    """
    ours = connections[DEFAULT_DB_ALIAS]
    ours.close_if_health_check_failed()
    ours.ensure_connection()
    with ours.wrap_database_errors:
        wire = ours.connection.pgconn
        literal = Escaping(wire).escape_literal
        values = b", ".join(
            [b"NULL" if argument is None else bytes(literal(argument)) for argument in arguments]
        )
        # psycopg begins a transaction with the first statement of its cursors, which this is none of.
        idle = wire.transaction_status == TransactionStatus.IDLE
        # What is sent together outside of one is a transaction of its own, committed with the answer.
        begin = (BEGIN if ours.in_atomic_block else ALONE) if idle else b""
        result = wire.exec_(b"%bSELECT * FROM %b(%b)" % (begin, function, values))
        if wire.status != ConnStatus.OK:
            raise psycopg.OperationalError("the connection to the database was lost")
        if result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
            raise error_from_result(result, encoding="utf-8")
        return result
