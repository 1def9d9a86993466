from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("chat", "0003_known_models")]

    operations = [
        migrations.AlterField(
            "generation",
            "purpose",
            models.CharField(
                choices=[("turn", "Turn"), ("title", "Title"), ("summary", "Summary")], default="turn", max_length=10
            ),
        ),
    ]
