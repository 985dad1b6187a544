"""A proxy that shows an app under a folder, streams included: `python -m tests.browser.proxy PORT TARGET FOLDER`."""

import sys
from collections.abc import AsyncIterator

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

OF_A_CONNECTION = {"connection", "content-length", "transfer-encoding", "keep-alive"}


def proxy(target: str, folder: str) -> Starlette:
    """Strips `folder` from every address and hands the request on; says for whom, as proxies do."""
    client = httpx.AsyncClient(timeout=httpx.Timeout(60, read=600))

    async def forward(request: Request) -> StreamingResponse:
        path = request.url.path.removeprefix(folder) or "/"
        kept = {name: value for name, value in request.headers.items() if name not in OF_A_CONNECTION}
        told = {"x-forwarded-for": "203.0.113.7", "x-forwarded-host": request.headers["host"]}
        asked = client.build_request(
            request.method, f"{target}{path}?{request.url.query}", headers=kept | told, content=await request.body()
        )
        answer = await client.send(asked, stream=True)

        async def body() -> AsyncIterator[bytes]:
            try:
                async for part in answer.aiter_raw():
                    yield part
            finally:
                await answer.aclose()

        headers = {name: value for name, value in answer.headers.items() if name not in OF_A_CONNECTION}
        return StreamingResponse(body(), answer.status_code, headers)

    async def no_icon(_: Request) -> Response:
        return Response(status_code=204)

    routes = [Route("/favicon.ico", no_icon)]
    routes += [Route(folder + rest, forward, methods=["GET", "POST", "HEAD"]) for rest in ("", "/{rest:path}")]
    return Starlette(routes=routes)


if __name__ == "__main__":
    port, target, folder = sys.argv[1:]
    uvicorn.run(proxy(target, folder), host="127.0.0.1", port=int(port), log_level="warning")
