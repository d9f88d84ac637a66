"""The server: who is answered, who is refused, and what an answer has."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from ccw_actors.browse import BrowseError, Outlooks, Port, Walk, app_of
from ccw_actors.explore import Scenario
from examples.explore.first import two_clients
from tests.browse.test_walk import quits


class Client:
    """Sends requests to an application, and keeps its cookies."""

    def __init__(self, app: Any, own: str) -> None:
        self._app = app
        self._own = own
        self.cookies = httpx.Cookies()

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Send a GET."""
        return asyncio.run(self._send("GET", path, options))

    def post(self, path: str, **options: Any) -> httpx.Response:
        """Send a POST."""
        return asyncio.run(self._send("POST", path, options))

    async def _send(
        self, method: str, path: str, options: dict[str, Any]
    ) -> httpx.Response:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(self._app),
            base_url=self._own,
            cookies=self.cookies,
        ) as client:
            answer = await client.request(method, path, **options)
            self.cookies = client.cookies
            return answer


class Served:
    """A served walk, and a client that has no token yet."""

    def __init__(self, scenario: Scenario = two_clients) -> None:
        self.port = Port(0)
        self.token = self.port.token
        walk = Walk(scenario, "two clients")
        self.app: Any = app_of(walk, Outlooks(walk), self.token)
        self.own = f"http://127.0.0.1:{self.token.port}"
        self.client = Client(self.app, self.own)

    def enter(self) -> None:
        """Exchange the token for the cookie, as a browser does."""
        answer = self.client.get(self.token.address)
        assert answer.status_code == 303
        assert answer.headers["location"] == "/"

    def post(self, path: str, body: Any, **headers: str) -> Any:
        """Send a request as the page does, with other headers where they are given."""
        sent = {"origin": self.own} | headers
        return self.client.post(path, json=body, headers=sent)


@pytest.fixture(name="served")
def _served() -> Iterator[Served]:
    served = Served()
    yield served
    served.port.socket.close()


def test_the_token_becomes_a_cookie(served: Served) -> None:
    """No script can read it, and no other site's page sends it."""
    answer = served.client.get(served.token.address)
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert served.token.text not in cookie
    assert served.client.get("/").status_code == 200


@pytest.mark.parametrize("path", ["/", "/known", "/?token=", "/?token=no", "/nothere"])
def test_without_the_token_nothing_is_answered(served: Served, path: str) -> None:
    """Nor does the answer say what is there."""
    answer = served.client.get(path)
    assert answer.status_code == 403
    assert answer.text.startswith("the token is missing")
    assert served.post("/walk", {"way": []}).status_code == 403


def test_the_token_opens_only_the_page(served: Served) -> None:
    """It stands for the cookie nowhere else, and in no other kind of request."""
    query = f"token={served.token.text}"
    assert served.client.get(f"/known?{query}").status_code == 403
    assert served.post(f"/walk?{query}", {"way": []}).status_code == 403
    assert served.post(f"/?{query}", {"way": []}).status_code == 403


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1", "127.0.0.1:1", "127.0.0.1.evil.example:{}", ""],
)
def test_another_host_is_refused(served: Served, host: str) -> None:
    """So a name of another site that leads here reads nothing, with any cookie."""
    served.enter()
    cookie = "; ".join(f"{one.name}={one.value}" for one in served.client.cookies.jar)
    headers = {"host": host.format(served.token.port), "cookie": cookie}
    for path in ("/", served.token.address):
        answer = served.client.get(path, headers=headers)
        assert answer.status_code == 403
        assert "the name of the host" in answer.text


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1"])
def test_another_origin_is_refused(served: Served, origin: str) -> None:
    """Even with the cookie: a page of another site asks nothing here."""
    served.enter()
    assert served.post("/walk", {"way": []}).status_code == 200
    assert served.post("/walk", {"way": []}, origin=origin).status_code == 403
    assert served.client.get("/known", headers={"origin": origin}).status_code == 403


def test_a_form_of_another_site_is_refused(served: Served) -> None:
    """It has no Origin, another kind of body, or says that it is cross-site."""
    served.enter()
    bare = served.client.post("/walk", json={"way": []})
    assert bare.status_code == 403
    for site in ("cross-site", "same-site"):
        answer = served.post("/walk", {"way": []}, **{"sec-fetch-site": site})
        assert answer.status_code == 403
    form = served.client.post(
        "/walk", content='{"way": []}', headers={"origin": served.own}
    )
    assert form.status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        "/../pyproject.toml",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/web/browse.js",
        "/static/..%2fbrowse.js",
        "/./etc/passwd",
    ],
)
def test_no_address_is_a_file(served: Served, path: str) -> None:
    """There is nothing but the page and its three answers."""
    served.enter()
    assert served.client.get(path).status_code == 404


def test_every_answer_may_be_kept_nowhere(served: Served) -> None:
    """And is no script, no frame and no source for another site."""
    answers = [served.client.get("/")]
    served.enter()
    answers += [served.client.get("/"), served.client.get("/nothere")]
    answers.append(served.post("/walk", {"way": []}))
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
    policy = answers[1].headers["content-security-policy"]
    assert "connect-src 'self'" in policy
    assert policy.startswith("default-src 'none'; script-src 'sha256-")


def test_a_way_is_answered(served: Served) -> None:
    """With its picture, and with what can follow."""
    served.enter()
    place = served.post("/walk", {"way": [">bob"]}).json()
    assert place["way"] == [">bob"]
    assert set(place["picture"]) == {"picture", "bodies"}
    said = served.post("/outlook", {"way": [">bob"]}).json()
    assert said["finding"] == "fails"
    assert served.client.get("/known").json()["state"] == "exploring"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"way": ["x>y"]}, 422),
        ({"way": [1]}, 400),
        ({"way": ">bob"}, 400),
        ({}, 400),
        ([], 400),
        ({"way": [], "scenario": "seed"}, 400),
        ({"way": ["x" * (1 << 20)]}, 400),
    ],
)
def test_bad_input_is_one_line(served: Served, body: Any, status: int) -> None:
    """The error says what was expected."""
    served.enter()
    answer = served.post("/walk", body)
    assert answer.status_code == status
    assert "\n" not in answer.json()["error"]


def test_a_port_that_is_taken_is_refused() -> None:
    """The error names it."""
    taken = Port(0)
    with taken.socket:
        taken.socket.listen()
        with pytest.raises(BrowseError, match=f"port {taken.token.port}: "):
            Port(taken.token.port)


def test_the_port_that_browsers_leave_out(served: Served) -> None:
    """Host and Origin have no port if it is the one that HTTP has by default."""
    served.token.port = 80
    served.own = "http://127.0.0.1"
    served.client = Client(served.app, served.own)
    served.enter()
    assert served.post("/walk", {"way": []}).status_code == 200


def test_a_scenario_that_ends_the_process() -> None:
    """Its exit becomes an error of the page, as any other exception does."""
    served = Served(quits)
    with served.port.socket:
        served.enter()
        answer = served.post("/walk", {"way": []})
    assert answer.status_code == 500
    assert answer.json() == {"error": "SystemExit: 3"}
