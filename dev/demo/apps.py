"""The demo as an app, so that Django finds its commands; it has no tables."""

from django.apps import AppConfig


class DemoConfig(AppConfig):
    """`create_demo_data`, `prepare_demo` and `tour`."""

    name = "dev.demo"
