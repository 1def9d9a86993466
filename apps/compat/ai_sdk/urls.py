from django.urls import path

from apps.chat.views import asks
from apps.compat.ai_sdk.views import TransportViewSet

urlpatterns = [
    path("api/chat/", TransportViewSet.as_view({"post": "send"}, **asks), name="ai-sdk-send"),
    path("api/chat/<id:pk>/stream/", TransportViewSet.as_view({"get": "stream"}, **asks), name="ai-sdk-stream"),
    path("api/chat/<id:pk>/stop/", TransportViewSet.as_view({"post": "stop"}), name="ai-sdk-stop"),
    path("api/chat/<id:pk>/messages/", TransportViewSet.as_view({"get": "list"}), name="ai-sdk-messages"),
]
