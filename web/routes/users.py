"""Users: made by admins, seen by themselves."""

from typing import Annotated, Any

from pydantic import Field

from domain.kernel.errors import NotAllowed
from domain.kernel.money import MAX_BALANCE
from domain.users import service
from domain.wallet.errors import UserNotFound
from web.answering import created, key_claim
from web.api import slice_api
from web.auth import admin, principal, require_user, user
from web.describing import answers, creates
from web.schemas import Body, Id, Name, Path, example
from web.shapes import wallet as shapes

api = slice_api("users")


class UserPath(Path):
    user_id: Id


class UserBody(Body):
    model_config = example(name="Mina", balance=0)

    name: Name
    balance: Annotated[int, Field(ge=0, le=MAX_BALANCE, description="Won to open with")] = 0


@api.post("/users", summary="Make a user")
@admin
@creates(shapes.User)
def create_user(body: UserBody) -> tuple[dict[str, Any], int, dict[str, str]]:
    """The opening balance is the first row of the history. Honours Idempotency-Key."""
    answer = service.create(body.name, body.balance, principal().user_id, key_claim())
    return created(answer, f"/api/users/{answer.body['userId']}")


@api.get("/users/<id:userId>", summary="A user")
@user
@answers(shapes.User, NotAllowed, UserNotFound)
def get_user(path: UserPath) -> dict[str, Any]:
    require_user(path.user_id)
    return service.find(path.user_id)
