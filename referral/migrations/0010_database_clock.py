"""When links and relations were made, and users first heard of, is said by the database's clock."""

import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('referral', '0009_words'),
    ]

    operations = [
        migrations.AlterField(
            model_name='partnerreferralrelation',
            name='created_at',
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name='created'),
        ),
        migrations.AlterField(
            model_name='referrallink',
            name='created_at',
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name='created'),
        ),
        migrations.AlterField(
            model_name='referrallink',
            name='updated_at',
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name='changed'),
        ),
        migrations.AlterField(
            model_name='referralrelation',
            name='created_at',
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name='created'),
        ),
        migrations.AlterField(
            model_name='userrole',
            name='first_heard_at',
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='first seen'),
        ),
    ]
