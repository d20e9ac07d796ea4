"""Apps that have their routes in common are apart in everything else."""

from fastapi import APIRouter, FastAPI, Request
from hearback_devkit.testing import running

router = APIRouter()


@router.get("/name")
async def name(request: Request) -> str:
    return str(request.app.state.name)


async def test_each_app_answers_for_itself_and_below_its_own_prefix() -> None:
    for prefix, wanted in (("", "one"), ("", "two"), ("/below", "three")):
        app = FastAPI()
        app.state.name = wanted
        app.include_router(router, prefix=prefix)
        async with running(app) as client:
            assert (await client.get(f"{prefix}/name")).json() == wanted
            assert (await client.get("/elsewhere/name")).status_code == 404
