from django.urls import path

from apps.compat.openai.completions import CompletionsView
from apps.compat.openai.conversations import ConversationsView, ItemsView, ItemView, OneConversationView
from apps.compat.openai.views import ModelsView, ModelView

urlpatterns = [
    path("v1/models", ModelsView.as_view(), name="openai-models"),
    path("v1/models/<str:pk>", ModelView.as_view(), name="openai-model"),
    path("v1/chat/completions", CompletionsView.as_view(), name="openai-completions"),
    path("v1/conversations", ConversationsView.as_view(), name="openai-conversations"),
    path("v1/conversations/<id:pk>", OneConversationView.as_view(), name="openai-conversation"),
    path("v1/conversations/<id:pk>/items", ItemsView.as_view(), name="openai-items"),
    path("v1/conversations/<id:pk>/items/<id:item_pk>", ItemView.as_view(), name="openai-item"),
]
