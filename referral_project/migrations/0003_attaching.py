"""Support attaches lost referrers by hand, one by one."""

from django.db import migrations


def give(apps, schema_editor):
    group = apps.get_model("auth", "Group").objects.filter(name="Support").first()
    right = apps.get_model("auth", "Permission").objects.filter(
        content_type__app_label="referral", codename="add_referralrelation"
    )
    if group:
        group.permissions.add(*right)


class Migration(migrations.Migration):
    # 0001_groups has made the right.
    dependencies = [("referral_project", "0002_imports")]

    operations = [migrations.RunPython(give, migrations.RunPython.noop)]
