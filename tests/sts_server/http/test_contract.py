"""openapi.json: a file that is one, names every route and refusal, and shows what is really answered."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from schemathesis.specs.openapi.definitions import OPENAPI_31
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from sts_server import http
from sts_server.app import App
from sts_server.catalogue import Offer, Offers
from sts_server.errors import CallerNotAllowed, Refusal, UpstreamFailure
from sts_server.grants import read_wish
from sts_server.http import answers
from sts_server.http.answers import LeaseAnswers
from sts_server.http.page import FILES
from sts_server.lease import Lease
from sts_server.prefix import prefix_problem
from sts_server.readiness import Evidence, Standing, verdict
from sts_server.scope import ACTIONS, LONGEST, SHORTEST, Scope
from sts_server.vending import Vended
from tests.sts_server.parts import CONFIG, T0, ScriptedSts, SetClock, read

CONTRACT: dict[str, Any] = json.loads(Path(http.__path__[0], "openapi.json").read_text("utf-8"))
ANSWERS = CONTRACT["paths"]["/v1/credentials/{grant}"]["get"]["responses"]
PARTS = CONTRACT["components"]
WISH = {name: part["schema"] for name, part in PARTS["parameters"].items()}
VERBS = {"get", "head", "post", "put", "patch", "delete", "options", "trace"}


def resolved(part: Any) -> Any:
    """Follow a reference, if it is one."""
    if "$ref" not in part:
        return part
    found: Any = CONTRACT
    for step in part["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return found


def examples() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Give each example of an answer about leases: status, description of the answer, value."""
    for status, answer in ANSWERS.items():
        (content,) = resolved(answer)["content"].values()
        for example in content["examples"].values():
            yield status, resolved(answer), example["value"]


def refusals(kind: type[Refusal] = Refusal) -> Iterator[type[Refusal]]:
    """Give every kind of refusal that is answered."""
    for below in kind.__subclasses__():
        yield from refusals(below)
    if hasattr(kind, "status"):
        yield kind


def raised(kind: type[Refusal], detail: str) -> Refusal:
    return kind(detail, hint="") if issubclass(kind, UpstreamFailure) else kind(detail)


def names(value: Any) -> Any:
    """Keep the names of an answer, and whether a value is text, number or list."""
    if isinstance(value, dict):
        return {name: names(part) for name, part in value.items()}
    return type(value).__name__


def told(answer: Response) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(bytes(answer.body))
    return body


def inside(application: object) -> Starlette:
    """Find the application with the routes in what is wrapped around it."""
    while not isinstance(application, Starlette):
        names = ("_current", "_app", "app")
        application = next(
            getattr(application, name) for name in names if hasattr(application, name)
        )
    return application


def test_the_file_is_openapi() -> None:
    jsonschema_rs.validator_for(OPENAPI_31).validate(CONTRACT)
    for schema in (*PARTS["schemas"].values(), *WISH.values()):
        jsonschema_rs.meta.validate(schema)


def test_every_reference_leads_somewhere_and_every_part_is_used() -> None:
    text = json.dumps(CONTRACT)
    targets = set(re.findall(r'"\$ref": "#/components/([^"]+)"', text))
    parts = {f"{kind}/{name}" for kind, named in PARTS.items() for name in named}
    assert targets == {part for part in parts if not part.startswith("securitySchemes/")}


def served_by(text: str) -> set[tuple[str, str]]:
    application = App(read(text), assume_role=ScriptedSts(SetClock()), audit=lambda _: None)
    return {
        (route.path, method.lower())
        for route in inside(application).routes
        if isinstance(route, Route)
        for method in route.methods or ()
    }


def test_every_route_is_in_the_file_and_nothing_else() -> None:
    served = served_by(CONFIG)
    described = {
        (path, verb) for path, item in CONTRACT["paths"].items() for verb in item if verb in VERBS
    }
    assert served == described


def test_the_page_is_for_people_and_no_part_of_the_contract() -> None:
    page = '[server]\npage = true\npage_sdk = "https://static.example.com/ali-oss.js"\n'
    files = {(path, verb) for path, _ in FILES.values() for verb in ("get", "head")}
    assert served_by(page + CONFIG) - served_by(CONFIG) == files


def test_who_need_not_prove_who_they_are_is_never_told_to() -> None:
    for item in CONTRACT["paths"].values():
        for verb in VERBS & set(item):
            open_to_all = item[verb].get("security") == []
            assert ("401" in item[verb]["responses"]) is not open_to_all


def test_a_vended_lease_has_the_names_of_the_example() -> None:
    lease = Lease("STS.1", "secret", "token", T0, T0 + 3600, "id")
    scope = Scope("examplebucket", "users/alice/", ("get", "put", "list"))
    answers = LeaseAnswers(read().tables.oss)
    body = told(answers.write(Vended(lease, scope, T0 + 1800), now=T0, request_id="id"))
    shown = [names(value) for status, _, value in examples() if status == "200"]
    assert shown == [names(body)] * 2
    assert list(body) == PARTS["schemas"]["Vended"]["required"]
    assert list(body) == list(PARTS["schemas"]["Vended"]["properties"])
    assert list(body["Lease"]) == PARTS["schemas"]["Lease"]["required"]
    assert list(body["Lease"]) == list(PARTS["schemas"]["Lease"]["properties"])


@pytest.mark.parametrize("kind", list(refusals()), ids=lambda kind: kind.__name__)
def test_every_refusal_has_an_example_that_is_what_is_answered(kind: type[Refusal]) -> None:
    ((status, answer, example),) = (it for it in examples() if it[2].get("Code") == kind.__name__)
    error = raised(kind, example["detail"])
    assert told(answers.refusal(error, example["RequestId"])) == example
    assert status == str(kind.status)
    assert ("WWW-Authenticate" in answer["headers"]) is (kind.status == 401)
    assert ("Retry-After" in answer["headers"]) is (kind.status in (429, 503))


def test_no_example_shows_what_nobody_is_answered() -> None:
    ours = {kind.__name__ for kind in refusals()}
    shown = {value["Code"] for _, _, value in examples()}
    assert shown == ours | {"Success", "NotFound", "InternalError"}


def test_every_example_fits_its_schema() -> None:
    for status, answer, value in examples():
        (content,) = answer["content"].values()
        schema = {**content["schema"], "components": PARTS}
        jsonschema_rs.validator_for(schema, validate_formats=True).validate(value)
        assert value.get("status", 200) == int(status)


def test_the_callers_grants_have_the_names_of_the_example() -> None:
    offer = Offer("uploads", Scope("examplebucket", "users/alice/", ("get", "put", "list")), 3600)
    offers = Offers((offer,), {"team": raised(CallerNotAllowed, "stopped")})
    body = told(answers.grants(offers, read().tables.oss, request_id="id"))
    (content,) = PARTS["responses"]["Grants"]["content"].values()
    (example,) = content["examples"].values()
    shown = example["value"]
    assert list(shown) == list(body)
    for list_of, schema in (("Grants", "Offer"), ("Refused", "RefusedGrant")):
        fields = PARTS["schemas"][schema]
        assert [names(one) for one in shown[list_of]] == [names(one) for one in body[list_of]]
        assert list(body[list_of][0]) == fields["required"] == list(fields["properties"])


def test_the_words_of_readiness_are_all_there_are() -> None:
    found = {
        verdict(Evidence(probed, key, role)).why
        for probed in (False, True)
        for key in Standing
        for role in Standing
    }
    schema = PARTS["schemas"]["Readiness"]
    assert found == set(schema["properties"]["why"]["enum"])
    for name in ("Ready", "NotReady"):
        (content,) = PARTS["responses"][name]["content"].values()
        ((_, example),) = content["examples"].items()
        jsonschema_rs.validator_for(schema).validate(example["value"])
        assert list(example["value"]) == schema["required"] == list(schema["properties"])


def test_a_refusal_shows_all_its_names() -> None:
    (value,) = (value for status, _, value in examples() if status == "404")
    problem = PARTS["schemas"]["Problem"]
    assert list(value) == problem["required"] == list(problem["properties"])


def test_head_refuses_as_get_does() -> None:
    head = CONTRACT["paths"]["/v1/credentials/{grant}"]["head"]["responses"]
    for status, answer in ANSWERS.items():
        assert set(resolved(head[status])["headers"]) == set(resolved(answer)["headers"])
        assert "content" not in resolved(head[status])
    assert set(head) == set(ANSWERS)


def test_the_numbers_and_words_of_a_wish_are_the_servers() -> None:
    assert (WISH["duration"]["minimum"], WISH["duration"]["maximum"]) == (SHORTEST, LONGEST)
    assert PARTS["schemas"]["Action"]["enum"] == list(ACTIONS)
    query = {name for name, part in PARTS["parameters"].items() if part["in"] == "query"}
    for name in query:
        example = PARTS["parameters"][name]["example"]
        text = ",".join(example) if isinstance(example, list) else str(example)
        assert getattr(read_wish("uploads", f"{name}={text}".encode()), name)


@given(st.text(st.characters(codec="utf-8") | st.sampled_from("/.*?${\\ab"), min_size=1))
def test_the_pattern_of_a_prefix_takes_all_that_the_server_takes(text: str) -> None:
    taken = jsonschema_rs.is_valid(WISH["prefix"], text)
    if prefix_problem(text) is None:
        assert taken
    if text.isascii():
        assert taken is (prefix_problem(text) is None)
