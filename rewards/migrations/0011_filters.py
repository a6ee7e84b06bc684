"""Indexes for what lists are filtered by."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0002_append_only'),
        ('rewards', '0010_relation_import'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='referralstats',
            index=models.Index(fields=['campaign', 'user_id'], name='stats_by_campaign'),
        ),
    ]
