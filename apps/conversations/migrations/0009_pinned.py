"""Pinned conversations are found without reading all the others."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # It is made while others read and write.
    atomic = False

    dependencies = [("conversations", "0008_generating")]

    operations = [
        AddIndexConcurrently(
            "conversation",
            models.Index(
                condition=models.Q(("pinned", True)),
                fields=["user", "-sort_at", "-id"],
                name="conversation_owner_pinned",
            ),
        ),
    ]
