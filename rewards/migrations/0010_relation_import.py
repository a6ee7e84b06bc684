"""Imports of relations, and their lines."""

import django.db.models.deletion
import uuid_utils.compat
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0002_append_only'),
        ('rewards', '0009_lookups'),
    ]

    operations = [
        migrations.CreateModel(
            name='RelationImport',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('file_name', models.CharField(max_length=200, verbose_name='file')),
                ('created_by', models.CharField(max_length=160, verbose_name='uploaded by')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='uploaded')),
                ('total', models.PositiveIntegerField(default=0, verbose_name='lines')),
                ('done', models.PositiveIntegerField(default=0, verbose_name='lines done')),
                ('made', models.PositiveIntegerField(default=0, verbose_name='relations made')),
                ('started_at', models.DateTimeField(blank=True, null=True, verbose_name='started')),
                ('finished_at', models.DateTimeField(blank=True, null=True, verbose_name='finished')),
                ('campaign', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='campaigns.referralcampaign', verbose_name='campaign')),
            ],
            options={
                'verbose_name': 'import of relations',
                'verbose_name_plural': 'imports of relations',
                'ordering': ('-id',),
            },
        ),
        migrations.CreateModel(
            name='RelationImportLine',
            fields=[
                ('pk', models.CompositePrimaryKey('relation_import_id', 'number', blank=True, editable=False, primary_key=True, serialize=False)),
                ('number', models.PositiveIntegerField()),
                ('referrer_user_id', models.CharField(blank=True, default='', max_length=64)),
                ('referred_user_id', models.CharField(blank=True, default='', max_length=64)),
                ('registered_at', models.DateTimeField(null=True)),
                ('problem', models.CharField(blank=True, default='', max_length=300)),
                ('expected', models.CharField(choices=[('made', 'The relation is made'), ('known', 'On record already, nothing changes'), ('already_referred', 'Somebody else is on record as the referrer'), ('self_referral', 'Nobody can invite themselves'), ('circular', 'It would close a ring of invitations'), ('invalid', 'The line cannot be read')], max_length=16)),
                ('outcome', models.CharField(blank=True, choices=[('made', 'The relation is made'), ('known', 'On record already, nothing changes'), ('already_referred', 'Somebody else is on record as the referrer'), ('self_referral', 'Nobody can invite themselves'), ('circular', 'It would close a ring of invitations'), ('invalid', 'The line cannot be read')], default='', max_length=16)),
                ('relation_import', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='lines', to='rewards.relationimport')),
            ],
        ),
    ]
