from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path
from rest_framework.routers import SimpleRouter

from apps.accounts.forms import SignInForm
from apps.accounts.key_views import ApiKeyViewSet
from apps.accounts.session_views import SessionViewSet
from apps.accounts.views import AccountViewSet, ResetViewSet, SignUpViewSet, TokenViewSet

router = SimpleRouter(use_regex_path=False)
router.register("users", SignUpViewSet, basename="sign-up")
router.register("users", AccountViewSet, basename="account")
router.register("users", ResetViewSet, basename="reset")
router.register("jwt", TokenViewSet, basename="token")
router.register("api-keys", ApiKeyViewSet, basename="api-key")

# The namespace is the one in which the browsable API's templates look for these two.
sessions = [
    path(
        "login/",
        LoginView.as_view(template_name="rest_framework/login.html", authentication_form=SignInForm),
        name="login",
    ),
    path("logout/", LogoutView.as_view(), name="logout"),
]

session = SessionViewSet.as_view({"get": "show", "post": "sign_in", "delete": "sign_out"})

urlpatterns = [
    *router.urls,
    path("session/", session, name="session"),
    path("", include((sessions, "rest_framework"))),
]
