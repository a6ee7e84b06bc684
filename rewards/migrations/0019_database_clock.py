"""When events are accepted and statuses change is said by the database's clock."""

from pathlib import Path

import django.db.models.functions.datetime
from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"
BEFORE = (SQL / "0002_events_write.sql").read_text().replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")


class Migration(migrations.Migration):

    dependencies = [
        ('rewards', '0018_words'),
    ]

    operations = [
        migrations.RunSQL((SQL / "0019_events_write.sql").read_text(), BEFORE),
        migrations.AlterField(
            model_name='analyticsrefusal',
            name='refused_at',
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name='rejected'),
        ),
        migrations.AlterField(
            model_name='bulkretry',
            name='created_at',
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='started'),
        ),
        migrations.AlterField(
            model_name='relationimport',
            name='created_at',
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name='uploaded'),
        ),
        migrations.AlterField(
            model_name='rewardtransition',
            name='at',
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='when'),
        ),
    ]
