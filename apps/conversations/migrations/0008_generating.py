"""Few conversations are being written in: of the others the index need not know, and their changes write it no more."""

import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # The new one is made while others read and write.
    atomic = False

    dependencies = [("conversations", "0007_newest")]

    operations = [
        AddIndexConcurrently(
            "conversation",
            models.Index(
                condition=models.Q(("generating__isnull", False)),
                fields=["generating"],
                name="conversation_generating",
            ),
        ),
        migrations.AlterField(
            "conversation",
            "generating",
            models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="conversations.message",
            ),
        ),
    ]
