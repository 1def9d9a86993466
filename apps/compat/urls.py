from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("apps.compat.ai_sdk.urls")),
    path("", include("apps.compat.older.urls")),
    path("", include("apps.compat.openai.urls")),
]
