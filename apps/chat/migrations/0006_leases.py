"""A heartbeat changes nothing that is in an index: moving it on writes the row alone, where it wrote each index, too."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("chat", "0005_completions")]

    operations = [
        migrations.RemoveIndex("generation", "generation_leases"),
        migrations.AddIndex(
            "generation",
            models.Index(condition=models.Q(("status", "running")), fields=["id"], name="generation_running"),
        ),
    ]
