"""Sessions that belong to someone (the setting `SESSION_ENGINE` names this module).

Django's own keep the user's id where the database cannot see it, inside the session's data, and so stay behind when
the account goes. These have a column for it, and go along.
"""

from typing import Any, cast

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import db

from apps.accounts.models import Session


class SessionStore(db.SessionStore):
    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        session = cast(Session, super().create_model_instance(data))
        session.user_id = data.get(SESSION_KEY)
        return session
