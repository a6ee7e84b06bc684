"""The services of the platform and their operations (docs/http-api.md, Who may call)."""

from django.db import migrations

PURCHASES = {
    "quest_service": "quest_purchased",
    "voucher_service": "voucher_premium_purchased",
    "rielt_service": "rielt_booking_made",
}
ROWS = [
    ("user_service", "user-registered", ""),
    ("user_service", "user-role-upgraded", ""),
    ("user_service", "user-erased", ""),
    ("user_service", "upline", ""),
    ("rf_service", "partner-onboarded", ""),
    ("token_gateway", "g2a-callback", ""),
    *((service, "upline", "") for service in PURCHASES),
    *(
        (service, operation, event_type)
        for service, event_type in PURCHASES.items()
        for operation in ("event", "events/bulk", "event-reversed")
    ),
]


def add(apps, schema_editor):
    model = apps.get_model("access", "ServiceOperation")
    for service, operation, event_type in ROWS:
        model.objects.get_or_create(service=service, operation=operation, event_type=event_type)


class Migration(migrations.Migration):
    dependencies = [("access", "0001_initial")]

    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
