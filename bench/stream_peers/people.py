"""Who asks: the JWT that Dramatis gives out, checked by its signature."""

import os
from typing import Annotated

import jwt
from fastapi import Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

SECRET = os.environ["SECRET_KEY"]


def user_of(credentials: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]) -> str:
    try:
        claims = jwt.decode(credentials.credentials, SECRET, algorithms=["HS256"])
    except jwt.InvalidTokenError:
        raise HTTPException(401, "Not signed in.") from None
    user: str = claims["user_id"]
    return user


User = Annotated[str, Depends(user_of)]
