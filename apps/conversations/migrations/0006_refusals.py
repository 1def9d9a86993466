from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("conversations", "0005_summaries")]

    operations = [
        migrations.AddField("conversation", "refused_by", models.CharField(blank=True, editable=False, max_length=301)),
        migrations.AddField("conversation", "refused_most", models.PositiveIntegerField(editable=False, null=True)),
        migrations.AddField("conversation", "refused_at", models.DateTimeField(editable=False, null=True)),
    ]
