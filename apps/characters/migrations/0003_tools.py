from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("characters", "0002_files_and_reports"), ("tools", "0001_initial")]

    operations = [
        migrations.AddField(
            "character", "tools", models.ManyToManyField(blank=True, related_name="characters", to="tools.tool")
        ),
    ]
