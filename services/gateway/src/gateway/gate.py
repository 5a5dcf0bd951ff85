"""The one place where forms of other sites' pages are turned away."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.forms import FormForeign
from gateway.site import Site, is_from_here

_READING = ("GET", "HEAD")


class Gate:
    """A page that takes forms from our own pages only, whatever it does with them."""

    def __init__(self, page: ASGIApp, site: Site) -> None:
        self._page, self._site = page, site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; what another site's page sent is refused unread."""
        request = Request(scope, receive)
        if request.method in _READING or is_from_here(request):
            await self._page(scope, receive, send)
            return
        error = FormForeign("forms are taken from our own pages only")
        refused = self._site.refused(await self._site.visitor(request), error)
        await refused(scope, receive, send)


def close(pages: Sequence[BaseRoute], site: Site) -> list[BaseRoute]:
    """Return pages, each behind a gate; what is mounted only reads."""
    for page in pages:
        if isinstance(page, Route):
            page.app = Gate(page.app, site)
    return list(pages)
