"""Past events that earned nothing for want of a referrer may be rewarded once, later."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):

    dependencies = [
        ('referral', '0005_lookups'),
    ]

    operations = [
        migrations.CreateModel(
            name='EventReplay',
            fields=[
                ('original', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='replayed', serialize=False, to='referral.referralevent', verbose_name='past event')),
                ('replay', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='replays', to='referral.referralevent', verbose_name='rewarded as')),
            ],
            options={
                'verbose_name': 'rewarded past event',
                'verbose_name_plural': 'rewarded past events',
                'constraints': [models.CheckConstraint(condition=models.Q(('original', models.F('replay')), _negated=True), name='replay_is_another_event')],
            },
        ),
        migrations.RunSQL(
            (SQL / "0006_event_replay.sql").read_text(),
            "DROP TRIGGER event_replay_append_only ON referral_eventreplay",
        ),
    ]
