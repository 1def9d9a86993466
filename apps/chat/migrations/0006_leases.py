"""A heartbeat changes nothing that is in an index: moving it on writes the row alone, where it wrote each index, too."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # The new one is made while others read and write.
    atomic = False

    dependencies = [("chat", "0005_completions")]

    operations = [
        AddIndexConcurrently(
            "generation",
            models.Index(condition=models.Q(("status", "running")), fields=["id"], name="generation_running"),
        ),
        migrations.RemoveIndex("generation", "generation_leases"),
    ]
