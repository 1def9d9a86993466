from django.urls import path

from apps.compat.older.views import SessionViewSet

history = SessionViewSet.as_view({"get": "history", "delete": "clear"})

urlpatterns = [
    path("api/chat/start/", SessionViewSet.as_view({"post": "start"}), name="older-start"),
    path("api/chat/<id:pk>/", SessionViewSet.as_view({"post": "turn"}), name="older-turn"),
    path("api/chat/<id:pk>/message/", SessionViewSet.as_view({"post": "message"}), name="older-message"),
    path("api/chat/<id:pk>/history/", history, name="older-history"),
]
