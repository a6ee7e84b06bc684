"""A key of its own for every day's visitors; hashes under the one key that never changed are deleted with it."""

from django.db import migrations, models

FORGET = "DELETE FROM referral_linkvisit; DELETE FROM referral_installationkey WHERE name = 'visitor'"


class Migration(migrations.Migration):
    dependencies = [("referral", "0002_relations")]

    operations = [
        migrations.CreateModel(
            name="VisitorKey",
            fields=[
                ("day", models.DateField(primary_key=True, serialize=False)),
                ("key", models.BinaryField(max_length=32)),
            ],
        ),
        migrations.RunSQL(FORGET, FORGET),
    ]
