"""What a picture is, said to anybody in a language of theirs, and what they say of it."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from kit import trace
from kit.errors import DomainError, FieldInvalid
from proofs import Malformed, VerifierKey, is_included, open_head
from proofs.tree import leaf_hash
from sosia.render.v1 import render_service_pb2 as pb
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gateway import forms, languages, problem
from gateway.clients import Calls
from gateway.limits import Quotas
from gateway.sessions import Visitor
from gateway.site import Site

_FORM_BYTES, _PICTURE_BYTES = 2**14, 13 * 2**20
_WAIT_S = 60.0
_WORDS = {1: "verified", 2: "recovered", 3: "suspect", 4: "unknown"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What was brought, and where it was seen.

    Attributes:
        use: media and territory; empty where half of it or nothing is known.
    """

    content: bytes
    url: str
    use: dict[str, str]


@dataclass(frozen=True, slots=True)
class Proof:
    """What checking the proof of a consent said: it holds, and at which leaf of how many."""

    holds: bool
    leaf: str = ""
    size: str = ""


class Verifying:
    """The public pages: /verify, and what is known and said of a released picture."""

    def __init__(self, calls: Calls, site: Site, quotas: Quotas) -> None:
        self._calls, self._site, self._quotas = calls, site, quotas

    def routes(self) -> list[Route]:
        """Return where each page is."""
        return [
            Route("/verify", self._show, methods=["GET"]),
            Route("/verify", self._verify, methods=["POST"]),
            Route("/released/{render_id}", self._released, methods=["GET"]),
            Route("/released/{render_id}", self._react, methods=["POST"]),
        ]

    async def _show(self, request: Request) -> Response:
        return await self._page(request, "verify.html", found=None, use={}, url="")

    async def _verify(self, request: Request) -> Response:
        visitor = await self._site.visitor(request)
        use: dict[str, str] = {}
        url = ""
        try:
            self._quotas.draw(visitor.actor, _address(request))
            asked = await _read(request)
            use, url = asked.use, asked.url
            with trace.span("verify", {}, who=visitor.actor):
                found = (await self._ask(asked)).verification
                proof = await check_consent(self._calls, found)
        except (DomainError, HTTPException) as error:
            return await self._failed(request, "verify.html", error, found=None, use=use, url=url)
        told = {"found": found, "proof": proof, "use": use, "url": url}
        return await self._page(request, "verify.html", word=_WORDS[found.verdict], **told)

    async def _ask(self, asked: Asked) -> Any:
        if asked.content:
            picture = pb.VerifyPictureRequest(content=asked.content, **asked.use)
            return await self._calls.send("render", "VerifyPicture", picture, timeout_s=_WAIT_S)
        address = pb.VerifyAddressRequest(url=asked.url, **asked.use)
        return await self._calls.send("render", "VerifyAddress", address, timeout_s=_WAIT_S)

    async def _released(self, request: Request) -> Response:
        try:
            self._quotas.draw((await self._site.visitor(request)).actor, _address(request))
            found, proof = await self._find(request)
        except DomainError as error:
            return await self._failed(request, "released.html", error, found=None)
        told = {"found": found, "proof": proof, "thanks": "thanks" in request.query_params}
        return await self._page(request, "released.html", **told)

    async def _react(self, request: Request) -> Response:
        found, proof = None, None
        try:
            self._quotas.draw(trace.PUBLIC, _address(request))
            found, proof = await self._find(request)
            form = await forms.read(request, Visitor(), most=_FORM_BYTES, anybody=True)
            score = form.text("score")
            said = {
                "score": int(score) if score in "12345" and score else 0,
                "text": form.text("text"),
            }
            asked = {"render_id": request.path_params["render_id"], "address": _address(request)}
            await self._calls.ask("render", "React", **asked, **said)
        except DomainError as error:
            told = {"found": found, "proof": proof, "thanks": False}
            return await self._failed(request, "released.html", error, **told)
        code = languages.choose(request).code
        there = f"{request.url.path}?lang={code}&thanks#react"
        return RedirectResponse(there, HTTPStatus.SEE_OTHER)

    async def _find(self, request: Request) -> tuple[Any, Proof | None]:
        render_id = request.path_params["render_id"]
        answer = await self._calls.ask("render", "GetReleased", render_id=render_id)
        return answer.verification, await check_consent(self._calls, answer.verification)

    async def _failed(
        self, request: Request, name: str, error: DomainError | HTTPException, **fields: Any
    ) -> Response:
        """Return a page with what went wrong in words, as precisely as its language has them."""
        if isinstance(error, HTTPException):
            reason, status = "PHOTO_TOO_LARGE", HTTPStatus(error.status_code)
        else:
            reason, status = error.reason, problem.status_of(error)
        words = languages.choose(request)["errors"]
        fault = words.get(reason, words["OTHER"])
        return await self._page(request, name, fault=fault, status=status, **fields)

    async def _page(self, request: Request, name: str, **fields: Any) -> Response:
        t = languages.choose(request)
        given = {"fault": "", "word": "", "proof": None, "thanks": False, **fields}
        page = self._site.page(
            name,
            await self._site.visitor(request),
            t=t,
            tongues=[languages.load(code) for code in languages.CODES],
            path=request.url.path,
            **given,
        )
        page.headers["Content-Language"] = t.code
        page.headers["Vary"] = "Accept-Language"
        return page


async def check_consent(calls: Calls, found: Any) -> Proof | None:
    """Check that the receipt of her consent stands in the log, by the log's own key.

    Returns None where there is no proof to check.
    """
    if not found.HasField("consent_proof"):
        return None
    proof = found.consent_proof
    key = (await calls.ask("identity", "GetCheckpoint")).verifier_key
    try:
        head = open_head(proof.checkpoint, VerifierKey.parse(key))
        leaf = leaf_hash(bytes.fromhex(proof.commitment_sha256))
        path = [bytes.fromhex(node) for node in proof.inclusion_proof]
        place = int(proof.leaf_index)
    except (Malformed, ValueError):
        return Proof(holds=False)
    if head is None or not is_included(leaf, place, head.size, path, head.root):
        return Proof(holds=False)
    return Proof(holds=True, leaf=str(place + 1), size=str(head.size))


async def _read(request: Request) -> Asked:
    """Read the form of /verify.

    Raises:
        FieldInvalid: neither a picture nor an address came.
        HTTPException: 413, more than 13 MiB.
    """
    form = await forms.read(request, Visitor(), most=_PICTURE_BYTES, anybody=True)
    content = form.content
    texts = {name: form.text(name) for name in ("url", "media", "territory")}
    if not content and not texts["url"]:
        raise FieldInvalid("file", "must be a picture, or url an address", reason="FILE_MISSING")
    use = {"media": texts["media"], "territory": texts["territory"].upper()}
    return Asked(content, "" if content else texts["url"], use if all(use.values()) else {})


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
