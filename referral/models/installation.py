"""What belongs to this installation alone."""

from django.db import models


class InstallationKey(models.Model):
    """A random key made once per installation and never changed.

    Fingerprints of events are keyed with it, so they cannot be guessed from outside, and rotating SECRET_KEY
    does not turn every repeated event into a conflict.
    """

    name = models.CharField(primary_key=True, max_length=32)
    key = models.BinaryField(max_length=32)

    def __str__(self) -> str:
        return self.name
