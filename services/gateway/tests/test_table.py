"""The table of routes beside the services it leads to, and the document made from both."""

import json
from pathlib import Path

from gateway import openapi, routes

ROOT = Path(__file__).parents[3]


def test_every_public_call_has_a_path() -> None:
    assert routes.find_unrouted() == set()


def test_no_path_leads_to_a_call_between_services() -> None:
    routed = {route.call for route in routes.ROUTES}
    assert not routed & {"CreateDataKey", "UnwrapDataKey", "IssueGrant", "ReleasePicture"}
    assert not routed & routes.HIDDEN


def test_every_path_leads_to_a_call_that_takes_its_parts() -> None:
    seen = set()
    for route in routes.ROUTES:
        taken = set(route.parts) | dict(route.constants).keys()
        assert taken <= set(route.request.fields_by_name), route.path
        seen.add((route.method, route.path))
    assert len(seen) == len(routes.ROUTES)


def test_every_path_has_a_name_of_its_own() -> None:
    names = [route.operation or route.call for route in routes.ROUTES]
    assert len(set(names)) == len(names)


def test_every_command_is_a_post_and_no_get_changes_anything() -> None:
    for route in routes.ROUTES:
        assert not (route.is_command and route.method == "GET"), route.path


def test_the_openapi_document_is_in_step() -> None:
    kept = json.loads((ROOT / "docs" / "openapi.json").read_text())
    assert kept == openapi.document(), "run: python -m gateway openapi > docs/openapi.json"
