from django.contrib import admin
from django.urls import include, path, register_converter
from drf_spectacular.renderers import (
    OpenApiJsonRenderer,
    OpenApiJsonRenderer2,
    OpenApiYamlRenderer,
    OpenApiYamlRenderer2,
)
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from rest_framework.routers import DefaultRouter

from apps.api.health import HealthView, MetricsView, ReadinessView
from apps.api.paths import IdConverter
from apps.characters.asset_views import AssetViewSet
from apps.characters.card_views import CardViewSet
from apps.characters.views import CharacterViewSet
from apps.chat.preview_views import PromptViewSet
from apps.chat.takeout_views import TakeoutView
from apps.chat.usage_views import UsageView
from apps.chat.views import ChatViewSet, ModelsView
from apps.conversations.document_views import DocumentViewSet
from apps.conversations.search_views import SearchView
from apps.conversations.views import ConversationViewSet, MessageViewSet
from apps.knowledge.fact_views import FactViewSet
from apps.knowledge.views import KnowledgeSearchView, KnowledgeViewSet, PassageViewSet
from apps.tools.views import ToolViewSet
from apps.web.paths import PageConverter
from apps.web.views import page

register_converter(IdConverter, "id")
register_converter(PageConverter, "page")

admin.site.site_header = "Dramatis"

router = DefaultRouter(use_regex_path=False)
router.include_format_suffixes = False
# What has no list comes first, or the API's root would look for one there.
router.register("conversations", ChatViewSet, basename="chat")
router.register("conversations", PromptViewSet, basename="prompt")
router.register("conversations", DocumentViewSet, basename="document")
router.register("conversations", ConversationViewSet, basename="conversation")
router.register("characters", CardViewSet, basename="card")
router.register("characters", AssetViewSet, basename="asset")
router.register("characters", CharacterViewSet, basename="character")
router.register("tools", ToolViewSet, basename="tool")
router.register("facts", FactViewSet, basename="fact")

messages = MessageViewSet.as_view({"get": "list", "post": "create"})
knowledge = KnowledgeViewSet.as_view({"get": "list", "post": "create"})
passages = PassageViewSet.as_view({"get": "list"})
knowledge_document = KnowledgeViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"})
message = MessageViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"})

# JSON where a client has no wish, as everywhere.
SCHEMA_FORMS = [OpenApiJsonRenderer2, OpenApiJsonRenderer, OpenApiYamlRenderer, OpenApiYamlRenderer2]

urlpatterns = [
    path("", page, name="home"),
    # Looked through in this order: what is asked most comes first, the many of the router last.
    path("api/conversations/<id:pk>/messages/", messages, name="message-list"),
    path("api/conversations/<id:pk>/messages/<id:message_pk>/", message, name="message-detail"),
    path("api/characters/<id:pk>/knowledge/", knowledge, name="knowledge-list"),
    path("api/characters/<id:pk>/knowledge/search/", KnowledgeSearchView.as_view(), name="knowledge-search"),
    path("api/characters/<id:pk>/knowledge/<id:document_pk>/", knowledge_document, name="knowledge-detail"),
    path("api/characters/<id:pk>/knowledge/<id:document_pk>/passages/", passages, name="knowledge-passages"),
    path("api/usage/", UsageView.as_view(), name="usage"),
    path("api/search/", SearchView.as_view(), name="search"),
    path("api/models/", ModelsView.as_view(), name="models"),
    path("api/auth/users/me/export/", TakeoutView.as_view(), name="account-export"),
    path("api/auth/", include("apps.accounts.urls")),
    path(
        "api/schema/", SpectacularAPIView.as_view(renderer_classes=SCHEMA_FORMS, versioning_class=None), name="schema"
    ),
    path("api/docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    path("api/", include(router.urls)),
    path("", include("apps.compat.urls")),
    path("admin/", admin.site.urls),
    path("healthz", HealthView.as_view(), name="healthz"),
    path("readyz", ReadinessView.as_view(), name="readyz"),
    path("metrics", MetricsView.as_view(), name="metrics"),
    path("<page:address>", page, name="page"),
]

handler400 = "apps.api.errors.bad_request"
handler403 = "apps.api.errors.permission_denied"
handler404 = "apps.api.errors.not_found"
handler500 = "apps.api.errors.server_error"
