"""The tables of the default broker. Its own schema function is idempotent."""

from django.db import migrations
from dramatiq_postgres import schema


def create(apps, schema_editor):
    with schema_editor.connection.connection.cursor() as cursor:
        schema.init(cursor)


def drop(apps, schema_editor):
    schema_editor.execute("DROP SCHEMA IF EXISTS dramatiq CASCADE")


class Migration(migrations.Migration):
    dependencies = [("rewards", "0002_functions")]

    operations = [migrations.RunPython(create, drop)]
