"""The audit log, which is append-only, and the tries to sign in."""

from pathlib import Path

import django.core.serializers.json
import uuid_utils.compat
from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"
DROP = "DROP TRIGGER audit_append_only ON access_auditentry; DROP FUNCTION access_refuse_change();"


class Migration(migrations.Migration):

    dependencies = [
        ('access', '0002_known_services'),
    ]

    operations = [
        migrations.CreateModel(
            name='AuditEntry',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('at', models.DateTimeField(auto_now_add=True, verbose_name='when')),
                ('actor', models.CharField(max_length=160, verbose_name='who')),
                ('verb', models.CharField(choices=[('created', 'created'), ('changed', 'changed'), ('deleted', 'deleted'), ('imported', 'imported'), ('signed_in', 'signed in')], max_length=16, verbose_name='did what')),
                ('object_type', models.CharField(max_length=64, verbose_name='kind of object')),
                ('object_id', models.CharField(max_length=64, verbose_name='object id')),
                ('object_name', models.CharField(max_length=200, verbose_name='object')),
                ('before', models.JSONField(blank=True, encoder=django.core.serializers.json.DjangoJSONEncoder, null=True, verbose_name='before')),
                ('after', models.JSONField(blank=True, encoder=django.core.serializers.json.DjangoJSONEncoder, null=True, verbose_name='after')),
                ('reason', models.CharField(blank=True, default='', max_length=500, verbose_name='why')),
                ('request_id', models.CharField(blank=True, default='', max_length=128, verbose_name='request id')),
            ],
            options={
                'verbose_name': 'audit entry',
                'verbose_name_plural': 'audit log',
                'ordering': ('-id',),
                'indexes': [models.Index(fields=['actor', 'id'], name='audit_by_actor'), models.Index(fields=['object_id', 'id'], name='audit_by_object')],
                'constraints': [models.CheckConstraint(condition=models.Q(('verb__in', ['created', 'changed', 'deleted', 'imported', 'signed_in'])), name='audit_verb_known')],
            },
        ),
        migrations.CreateModel(
            name='SignInTries',
            fields=[
                ('key', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('tries', models.PositiveIntegerField()),
                ('since', models.DateTimeField()),
            ],
            options={
                'indexes': [models.Index(fields=['since'], name='sign_in_tries_by_age')],
            },
        ),
        migrations.RunSQL((SQL / "0003_audit.sql").read_text(), DROP),
    ]
