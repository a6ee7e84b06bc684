"""An index for the rewards in G2A, which may be few."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0002_append_only'),
        ('referral', '0008_filters'),
        ('rewards', '0013_review'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='referralreward',
            index=models.Index(condition=models.Q(('g2a_amount__isnull', False)), fields=['id'], name='reward_in_g2a'),
        ),
    ]
