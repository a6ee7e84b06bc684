"""Rule versions are append-only."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0001_initial")]

    operations = [
        migrations.RunSQL(
            (SQL / "0002_append_only.sql").read_text(),
            "DROP TRIGGER rule_version_append_only ON campaigns_ruleversion; DROP FUNCTION referral_refuse_change();",
        )
    ]
