"""Every setting, read from the environment. `docs/settings.md` explains them to operators."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import django
import django_stubs_ext
from environs import Env, ValidationError, validate
from redis.connection import parse_url

from apps.api import logs
from apps.api.outbound import allowed
from apps.compat.better_auth import options as better_auth
from config.database import read_databases
from config.offer import read_embeddings, read_offer

# Lets Django's classes be written with their type, as in ModelAdmin[Character].
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent

# Not eager: `env.seal()` at the end names everything that is missing or wrong in one message.
env = Env(eager=False)

# Validators raise; environs does not look at what a function returns.
not_empty = validate.Length(min=1, error="Environment variable is empty.")
a_rate = validate.Regexp(r"[1-9]\d*/(sec|min|hour|day)\Z", error="Not a rate such as 10/min.")
an_origin = validate.Regexp(r"https?://[^/\s]+/?\Z", error="Not an origin such as https://app.example.")
some_time = validate.Range(min=0, min_inclusive=False)


def origins(values: list[str]) -> None:
    for value in values:
        an_origin(value)


def a_redis(value: str) -> None:
    """The value is not repeated: it may hold a password."""
    try:
        read: dict[str, Any] = parse_url(value) if value else {"host": ""}  # type: ignore[no-untyped-call]
    except ValueError:
        read = {}
    if not ("host" in read or "path" in read):
        raise ValidationError("Not an address that starts with redis://, rediss:// or unix://.")


def hosts_and_ports(values: list[str]) -> None:
    try:
        allowed.read(values)
    except ValueError as wrong:
        raise ValidationError(f"Neither a host nor a host:port: {wrong}") from None


DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", validate=not_empty)
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", [])
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", validate=not_empty)
HTTPS = env.bool("HTTPS", True)
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", 0, validate=validate.Range(min=0))
WEB_THREADS = env.int("WEB_THREADS", 8, validate=validate.Range(1, 64))
REDIS_URL = env.str("REDIS_URL", "", validate=a_redis)
ALONE = "More than one process needs REDIS_URL: live streams, stop signals and throttles would be each one's own."
# Read by uvicorn, too.
WEB_CONCURRENCY = env.int(
    "WEB_CONCURRENCY",
    1,
    validate=[validate.Range(min=1), validate.Range(max=None if REDIS_URL else 1, error=ALONE)],
)
LOG_LEVEL = env.str("LOG_LEVEL", "INFO").upper()
METRICS_TOKEN = env.str("METRICS_TOKEN", "")
OUTBOUND_ALLOWED_HOSTS: list[str] = env.list("OUTBOUND_ALLOWED_HOSTS", [], validate=hosts_and_ports)

# ── The application ──────────────────────────────────────────────────────────────────────────

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "corsheaders",
    # Before the packages whose templates it puts its name on.
    "apps.api",
    "rest_framework",
    "drf_standardized_errors",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "apps.accounts",
    "apps.tools",
    "apps.characters",
    "apps.conversations",
    "apps.knowledge",
    "apps.chat",
    "apps.compat",
    "apps.web",
]

MIDDLEWARE = [
    "apps.api.middleware.RequestContext",
    "apps.compat.openai.errors.ErrorsAsOpenAI",
    "apps.api.middleware.KnownHost",
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "apps.api.middleware.BodyLimit",
    "apps.api.middleware.OptionalTrailingSlash",
    "apps.api.of_pages.Sessions",
    "django.middleware.csrf.CsrfViewMiddleware",
    "apps.api.of_pages.Authentication",
    "apps.api.of_pages.Messages",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

CSRF_FAILURE_VIEW = "apps.api.errors.csrf_failure"
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
APPEND_SLASH = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

STATIC_URL = "/static/"
# The page as `make web` builds it; without it the API stands alone.
WEB_DIST = BASE_DIR / "web" / "dist"
# The files of the admin, the browsable API and the API's documentation come straight from their packages.
STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.AppDirectoriesFinder", "apps.web.files.PageFiles"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
# The build names these by what is in them.
WHITENOISE_IMMUTABLE_FILE_TEST = r"^/static/web/assets/"

# A body is counted by the ASGI handler too: DRF's JSON parser does not look at this limit.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
# What is brought along from elsewhere may be larger.
IMPORT_PATHS = re.compile(
    r"/api/(?:(?:conversations|characters)/import|characters/[^/]+/(?:avatar|lorebook|knowledge))/?"
)
IMPORT_MAX_SIZE = 50 * 1024 * 1024

# ── Database ─────────────────────────────────────────────────────────────────────────────────

_database_url = env.str("DATABASE_URL", validate=not_empty)
_direct_url = env.str("DATABASE_DIRECT_URL", "")
# None: as the address looks.
_pooled = env.bool("DATABASE_POOLED", None)

# ── People ───────────────────────────────────────────────────────────────────────────────────

AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]
AUTH_PASSWORD_VALIDATORS.append(
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "display_name")},
    }
)
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
LOGIN_URL = "/api/auth/login/"
LOGIN_REDIRECT_URL = "/api/"
LOGOUT_REDIRECT_URL = "/api/"
REGISTRATION = env.str("REGISTRATION", "open", validate=validate.OneOf(["open", "closed"]))
# `make run` sets it, where only this machine can reach the server.
DEMO = env.bool("DEMO", False)
PASSWORD_RESET_URL = env.str("PASSWORD_RESET_URL", "")

_better_auth: dict[str, Any] = {
    "url": env.str("BETTER_AUTH_URL", ""),
    "issuer": env.str("BETTER_AUTH_ISSUER", ""),
    "audience": env.str("BETTER_AUTH_AUDIENCE", ""),
    "algorithms": env.list("BETTER_AUTH_ALGORITHMS", ["EdDSA"], validate=validate.ContainsOnly(better_auth.ALGORITHMS)),
    "secret": env.str("BETTER_AUTH_SECRET", ""),
    "database_url": env.str("BETTER_AUTH_DATABASE_URL", ""),
    "cookie": env.str("BETTER_AUTH_COOKIE", ""),
}

SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=env.int("ACCESS_TOKEN_MINUTES", 15, validate=validate.Range(1)) or 0),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=env.int("REFRESH_TOKEN_DAYS", 30, validate=validate.Range(1)) or 0),
    "ALGORITHM": "HS256",
    "SIGNING_KEY": SECRET_KEY,
    # The scheme's name is no matter of letters' case (RFC 9110, 11.1); these are the spellings that are sent.
    "AUTH_HEADER_TYPES": ("Bearer", "bearer", "BEARER"),
}

DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "dramatis@localhost")
_mail = {
    "host": env.str("EMAIL_HOST", ""),
    "port": env.int("EMAIL_PORT", 587),
    "username": env.str("EMAIL_HOST_USER", ""),
    "password": env.str("EMAIL_HOST_PASSWORD", ""),
    "use_tls": env.bool("EMAIL_USE_TLS", True),
    "timeout": 10,
}
_mail_way = "smtp" if _mail["host"] else "console" if DEBUG else "dummy"
_mail_backend = f"django.core.mail.backends.{_mail_way}.EmailBackend"
if django.VERSION >= (6, 1):
    MAILERS = {"default": {"BACKEND": _mail_backend, "OPTIONS": _mail if _mail["host"] else {}}}
else:
    EMAIL_BACKEND = _mail_backend
    EMAIL_HOST = _mail["host"]
    EMAIL_PORT = _mail["port"]
    EMAIL_HOST_USER = _mail["username"]
    EMAIL_HOST_PASSWORD = _mail["password"]
    EMAIL_USE_TLS = _mail["use_tls"]
    EMAIL_TIMEOUT = _mail["timeout"]

# ── The API ──────────────────────────────────────────────────────────────────────────────────

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apps.accounts.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": [
        "apps.api.parsers.JSONParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_RENDERER_CLASSES": [
        "apps.api.renderers.JSONRenderer",
        "rest_framework.renderers.BrowsableAPIRenderer",
    ],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "apps.api.negotiation.FirstForAnything",
    "DEFAULT_PAGINATION_CLASS": "apps.api.pagination.NewestFirst",
    "DEFAULT_SCHEMA_CLASS": "apps.api.schema.Schema",
    "DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.AcceptHeaderVersioning",
    "DEFAULT_VERSION": "1",
    "ALLOWED_VERSIONS": ["1"],
    "EXCEPTION_HANDLER": "apps.api.errors.exception_handler",
    "URL_FORMAT_OVERRIDE": None,
    "NUM_PROXIES": TRUSTED_PROXIES,
    "DEFAULT_THROTTLE_RATES": {
        "sign-in-address": env.str("THROTTLE_SIGN_IN_ADDRESS", "120/min", validate=a_rate),
        "sign-in-account": env.str("THROTTLE_SIGN_IN_ACCOUNT", "20/min", validate=a_rate),
        "sign-up-address": env.str("THROTTLE_SIGN_UP_ADDRESS", "60/hour", validate=a_rate),
        "sign-up-account": env.str("THROTTLE_SIGN_UP_ACCOUNT", "10/hour", validate=a_rate),
        "reset-address": env.str("THROTTLE_RESET_ADDRESS", "20/hour", validate=a_rate),
        "reset-account": env.str("THROTTLE_RESET_ACCOUNT", "5/hour", validate=a_rate),
        "api-keys": env.str("THROTTLE_API_KEYS", "30/hour", validate=a_rate),
    },
}
DRF_STANDARDIZED_ERRORS = {"ENABLE_IN_DEBUG_FOR_UNHANDLED_EXCEPTIONS": True}

SPECTACULAR_SETTINGS = {
    "TITLE": "Dramatis",
    "DESCRIPTION": "Character chat: characters, conversations, and every turn kept.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api",
    "PATH_CONVERTER_OVERRIDES": {"id": {"type": "string", "format": "uuid"}},
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "PREPROCESSING_HOOKS": ["apps.api.schema.only_ours"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "apps.api.schema.document_errors",
        "apps.compat.openai.schema.errors_as_openai",
    ],
    "ENUM_NAME_OVERRIDES": {
        "RoleEnum": "apps.conversations.models.Role",
        "MessageStatusEnum": "apps.conversations.models.MessageStatus",
        "DocumentKindEnum": "apps.knowledge.models.Kind",
        "WrittenKindEnum": "apps.knowledge.models.WRITTEN",
    },
}

_origins: list[str] = env.list("CORS_ALLOWED_ORIGINS", [], validate=origins) or []
CORS_ALLOWED_ORIGINS = [origin.rstrip("/") for origin in _origins]
CORS_ALLOW_HEADERS = ["authorization", "content-type", "idempotency-key", "if-none-match", "accept", "x-request-id"]
CORS_EXPOSE_HEADERS = ["X-Request-ID", "Retry-After", "ETag", "x-vercel-ai-ui-message-stream"]

_memory = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 100_000}}
_redis = {
    "BACKEND": "django.core.cache.backends.redis.RedisCache",
    # In a list: Django would take a comma in a password for the end of the address.
    "LOCATION": [REDIS_URL],
    "KEY_PREFIX": "dramatis",
    "OPTIONS": {
        "pool_class": "apps.api.redis_pool.ProcessPool",
        # Nothing that comes from Redis is unpickled.
        "serializer": "django.core.signing.JSONSerializer",
        # What is kept there can be done without; nobody waits for it long.
        "socket_connect_timeout": 0.5,
        "socket_timeout": 0.5,
    },
}
# Throttles count in these: together in Redis, and while it is away, or in one process, in memory.
CACHES = {"default": _redis if REDIS_URL else _memory, "memory": {**_memory, "LOCATION": "spare"}}

# How long a client may be away and still be told what changed meanwhile.
SYNC_RETENTION_DAYS = env.int("SYNC_RETENTION_DAYS", 30, validate=validate.Range(1, 3650))

# ── The model ────────────────────────────────────────────────────────────────────────────────

_base_url = env.str("AI_BASE_URL", validate=not_empty)
_api_key = env.str("AI_API_KEY", "")
_models: list[str] = env.list("AI_MODEL", validate=not_empty)
_more_providers = env.json("AI_PROVIDERS", [])
_contexts = env.json("AI_CONTEXTS", {})
# None: whatever the provider tells of a model is used.
AI_CONTEXT_TOKENS = env.int("AI_CONTEXT_TOKENS", None, validate=validate.Range(min=512))
AI_SYSTEM_PROMPT = env.str(
    "AI_SYSTEM_PROMPT",
    "Write {{char}}'s next reply in a conversation between {{char}} and {{user}}. Stay in character.",
)
AI_TITLES = env.bool("AI_TITLES", True)
AI_SUMMARIES = env.bool("AI_SUMMARIES", True)
# Seconds that one call of a tool may take; those of a turn may take four times that together.
TOOL_SECONDS = env.float("TOOL_SECONDS", 30.0, validate=validate.Range(min=0.1, max=600))
# Tokens that all calls of one turn may take together; then the model answers without tools.
AI_TURN_TOKENS = env.int("AI_TURN_TOKENS", 100_000, validate=validate.Range(min=1))
AI_CONNECT_TIMEOUT = env.float("AI_CONNECT_TIMEOUT", 10.0, validate=some_time)
AI_FIRST_TOKEN_TIMEOUT = env.float("AI_FIRST_TOKEN_TIMEOUT", 60.0, validate=some_time)
AI_TOKEN_TIMEOUT = env.float("AI_TOKEN_TIMEOUT", 30.0, validate=some_time)
AI_TURN_TIMEOUT = env.float("AI_TURN_TIMEOUT", 600.0, validate=some_time)
DRAIN_SECONDS = env.float("DRAIN_SECONDS", 10.0, validate=validate.Range(min=0))

# ── Knowledge ────────────────────────────────────────────────────────────────────────────────

_embeddings_url = env.str("EMBEDDINGS_BASE_URL", "")
_embeddings_key = env.str("EMBEDDINGS_API_KEY", "")
_embeddings_model = env.str("EMBEDDINGS_MODEL", "")

# ── Safety on the wire ───────────────────────────────────────────────────────────────────────

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_ENGINE = "apps.accounts.sessions"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
CSRF_TRUSTED_ORIGINS = CORS_ALLOWED_ORIGINS
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)/?$"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
# Only a proxy that the operator named may say that the client came by HTTPS.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None

LOGGING = logs.settings(LOG_LEVEL)

env.seal()

# One connection a pool thread, and a little room for what runs outside of it.
_served, DIRECT_DATABASE, DATABASE_IS_POOLED = read_databases(_database_url, _direct_url, _pooled, WEB_THREADS + 2)
DATABASES = {"default": _served}

AI_OFFER = read_offer(_base_url, _api_key, _models, _more_providers, _contexts)
# None: passages of knowledge are found by their words alone.
EMBEDDINGS = read_embeddings(_embeddings_url, _embeddings_key, _embeddings_model)
# None: nobody comes by Better Auth.
BETTER_AUTH = better_auth.read(**_better_auth)
if BETTER_AUTH:
    REST_FRAMEWORK["DEFAULT_AUTHENTICATION_CLASSES"] = better_auth.among(
        REST_FRAMEWORK["DEFAULT_AUTHENTICATION_CLASSES"], BETTER_AUTH
    )
    # Pages elsewhere send its cookie along.
    CORS_ALLOW_CREDENTIALS = BETTER_AUTH.reads_cookies
