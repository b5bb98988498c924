"""The security trial of the page: what must not be possible, tried over real connections."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from contextlib import suppress
from datetime import timedelta
from html import unescape
from socket import gethostname
from typing import TYPE_CHECKING

import httpx

from marginwatch import clock
from marginwatch.core.model import AccountKey
from marginwatch.ops.links import LASTS, Links
from marginwatch.web import patience
from marginwatch.web.guard import LARGEST_BODY
from marginwatch.web.sessions import COOKIE, Session, Sessions
from marginwatch.web.sessions import LASTS as LOGIN_LASTS
from support.pages import TOKEN, Opened, opened
from support.records import commit, message
from support.sinks import PATIENCE
from support.storied import numbers

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

FORM = {"by": "Eve", "note": "", "span": "1h"}
READS = ("/", "/silences", "/events", "/accounts/futures/A-1", "/alerts/x")


def acts(page: Opened) -> dict[str, dict[str, str]]:
    """Everything that changes something, with fields that would do it."""
    alert = f"/alerts/{page.alert.alert_id}"
    return {
        f"{alert}/acknowledge": FORM,
        f"{alert}/silence": FORM,
        "/silences": {**FORM, "rule": "x"},
        "/silences/1/end": FORM,
    }


def state(page: Opened) -> tuple[object, ...]:
    """What an act would change."""
    store = page.story.store
    return (
        store.changes(),
        store.operators.silences(ended=True),
        store.history.all_acknowledgements(page.alert.alert_id),
    )


async def refused(page: Opened, path: str, fields: dict[str, str], **headers: str) -> str:
    """The form is refused and nothing is done; the sentence that says why."""
    before = state(page)
    answer = await page.client.post(path, data=fields, headers=headers)
    assert answer.status_code in {403, 421}, (path, answer.status_code, answer.text)
    assert state(page) == before
    return answer.text


# ---- who ------------------------------------------------------------------------------------------------------------


async def test_nothing_is_shown_without_the_token(tmp_path: Path) -> None:
    """Every page leads to the login, and the stream of changes is refused."""
    async with opened(tmp_path, log_in=False) as page:
        for path in READS:
            answer = await page.client.get(path)
            assert answer.status_code in {303, 403}, path
            assert "JDoe" not in answer.text


async def test_nothing_is_done_without_the_token(tmp_path: Path) -> None:
    """Not even with the mark of a form, which the login page shows to anybody."""
    async with opened(tmp_path, log_in=False) as page:
        mark = await page.mark("/login")
        for path, fields in acts(page).items():
            assert "Your login has ended" in await refused(page, path, {"mark": mark, **fields})


async def test_without_a_token_in_the_config_nobody_acts(tmp_path: Path) -> None:
    """Anybody on the machine may read then, and there are no forms."""
    async with opened(tmp_path, token=None) as page:
        html = await page.text(f"/alerts/{page.alert.alert_id}")
        assert "<form" not in html
        assert "Nobody can act on this page before" in html
        for path, fields in acts(page).items():
            assert "[web] token is set" in await refused(page, path, fields)
        assert "<form" not in await page.text("/silences")


async def test_on_a_socket_its_file_rights_say_who_acts(tmp_path: Path) -> None:
    """Whoever may write to it may act, still only by our own forms; nobody else on the machine can open it."""
    socket = tmp_path / "page.sock"
    async with opened(tmp_path, token=None, listen=f"unix:{socket}") as page:
        assert oct(socket.stat().st_mode & 0o777) == "0o660"
        answer = await page.send("/silences", "/silences", {**FORM, "rule": "x"})
        assert answer.status_code == 303
        assert "This form is too old" in await refused(page, "/silences", {**FORM, "rule": "x"})
    assert not socket.exists()


async def test_a_wrong_token_opens_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said, a little late, and the session stays as unknown as before."""
    monkeypatch.setattr("marginwatch.web.views.login.WRONG_PAUSE", 0.0)
    async with opened(tmp_path, log_in=False) as page:
        for token in ("", " ", TOKEN[:-1], TOKEN + "E", "é", "x" * 1900):
            answer = await page.log_in(token)
            assert (answer.status_code, "This is not the token" in answer.text) == (403, True)
            assert (await page.client.get("/")).status_code == 303


async def test_the_cookie_is_for_this_page_alone(tmp_path: Path) -> None:
    """No script reads it, no other page's form sends it, and it goes by https where the page does."""
    async with opened(tmp_path, log_in=False) as page:
        cookie = (await page.log_in()).headers["set-cookie"]
        assert all(part in cookie for part in ("HttpOnly", "SameSite=strict", "Path=/"))
        assert "Secure" not in cookie
    (tmp_path / "other").mkdir()
    async with opened(tmp_path / "other", log_in=False, public_url="https://watch.example.com") as page:
        there = await page.client.get("/login", headers={"host": "watch.example.com"})
        here = await page.client.get("/login")
        assert ("Secure" in there.headers["set-cookie"], "Secure" in here.headers["set-cookie"]) == (True, False)


async def test_a_session_ends(page: Opened) -> None:
    """After twelve hours, when the token is changed, and by logging out; and none can be made up or prolonged."""
    key, now = page.story.store.keys.signing(), clock.now()
    good = Sessions(key, TOKEN)
    old = Session("a", now - LOGIN_LASTS, known=True)
    yet_to_come = Session("a", now + 2 * LOGIN_LASTS, known=True)
    made = good.cookie(good.begin(now, known=False))
    cookies = {
        "old": good.cookie(old),
        "of the future": good.cookie(yet_to_come),
        "of another token": Sessions(key, "another-token-12345").cookie(old.__class__("a", now, known=True)),
        "of another key": Sessions(b"x" * 32, TOKEN).cookie(Session("a", now, known=True)),
        "unknown": made,
        "changed": base64.urlsafe_b64encode(json.dumps(["a", int(now.timestamp()), True]).encode()).decode()
        + "."
        + made.rpartition(".")[2],
        "none": "",
        "long": "a" * 5000,
    }
    for name, cookie in cookies.items():
        async with httpx.AsyncClient(trust_env=False) as stranger:
            headers = {"cookie": f"{COOKIE}={cookie}"}
            answer = await stranger.get(f"http://{page.page.address}/", headers=headers)
        assert answer.status_code == 303, name
    mark = await page.mark("/")
    assert (await page.client.post("/logout", data={"mark": mark})).status_code == 303
    assert (await page.client.get("/")).status_code == 303


# ---- forms of other pages -------------------------------------------------------------------------------------------


async def test_a_form_of_another_page_does_nothing(page: Opened) -> None:
    """Without our mark, with that of another session, from another origin, or in another shape."""
    for path, fields in acts(page).items():
        mark = await page.mark("/silences")
        other = Sessions(page.story.store.keys.signing(), TOKEN).mark("another session")
        assert "too old or came from another page" in await refused(page, path, fields)
        await refused(page, path, {"mark": other, **fields})
        await refused(page, path, {"mark": mark[:-2], **fields})
        good = {"mark": mark, **fields}
        await refused(page, path, good, origin="https://evil.example.com")
        await refused(page, path, good, origin="null")
        await refused(page, path, good, **{"sec-fetch-site": "cross-site"})
        await refused(page, path, good, **{"sec-fetch-site": "same-site", "origin": "null"})
        await refused(page, path, good, **{"content-type": "text/plain"})
        await refused(page, path, good, **{"content-type": "multipart/form-data; boundary=x"})


async def test_a_browser_that_hides_where_it_comes_from_may_act(page: Opened) -> None:
    """Our own pages ask it to."""
    mark = await page.mark("/silences")
    headers = {"origin": "null", "sec-fetch-site": "same-origin"}
    answer = await page.client.post("/silences", data={"mark": mark, **FORM, "rule": "x"}, headers=headers)
    assert answer.status_code == 303


async def test_looking_changes_nothing(page: Opened) -> None:
    """Where a form is sent to, a look is refused."""
    before = state(page)
    for path in acts(page):
        if path != "/silences":
            assert (await page.client.get(path)).status_code == 405
    assert (await page.client.get("/logout")).status_code == 405
    assert state(page) == before


# ---- names, paths and headers ---------------------------------------------------------------------------------------


STRANGERS = (
    "evil.example.com",
    "evil.example.com:80",
    "localhost.evil.example.com",
    "127.0.0.1.evil.example.com",
    "",
    "127.0.0.1@evil.example.com",
    "evil.example.com#127.0.0.1",
    "127.0.0.1/x",
    "[::1",
    "a b",
)


async def test_the_page_answers_to_its_own_names_alone(page: Opened) -> None:
    """A page elsewhere that has its own name point here is not answered, whatever it asks for."""
    for host in STRANGERS:
        for path in ("/", "/login", "/readyz", "/static/page.js"):
            answer = await page.client.get(path, headers={"host": host})
            assert (answer.status_code, "JDoe" in answer.text) == (421, False), host


async def test_the_names_it_has_are_answered(tmp_path: Path) -> None:
    """Any address by number, this machine's own name, and that of `public_url`."""
    hosts = ("localhost", "LOCALHOST:8470", "127.0.0.1", "[::1]:8470", "10.0.0.7", "watch.example.com", gethostname())
    async with opened(tmp_path, log_in=False, public_url="https://watch.example.com") as page:
        for host in hosts:
            assert (await page.client.get("/login", headers={"host": host})).status_code == 200, host


async def raw(page: Opened, data: bytes) -> bytes:
    """What comes back for these very bytes."""
    host, _, port = page.page.address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    with suppress(ConnectionError):
        writer.write(data)
        await writer.drain()
        writer.write_eof()
    answer = b""
    async with asyncio.timeout(PATIENCE):
        with suppress(ConnectionError):
            answer = await reader.read()
    writer.close()
    return answer


CROOKED = (
    b"GET /static/../../../../etc/passwd HTTP/1.1",
    b"GET /static/%2e%2e%2f%2e%2e%2fetc%2fpasswd HTTP/1.1",
    b"GET /static/..%5c..%5capp.py HTTP/1.1",
    b"GET /static/page.css%00.py HTTP/1.1",
    b"GET //etc/passwd HTTP/1.1",
    b"GET http://evil.example.com/ HTTP/1.1",
    b"GET /accounts/futures/%00 HTTP/1.1",
    b"GET /accounts/futures/..%2f..%2f HTTP/1.1",
    b"GET /alerts/%ff%fe HTTP/1.1",
    b"TRACE / HTTP/1.1",
    b"CONNECT evil.example.com:443 HTTP/1.1",
    b"GET /\xff HTTP/1.1",
    b"GET / HTTP/9.9",
    b"\x16\x03\x01\x02\x00",
)


async def test_paths_that_lead_elsewhere_lead_nowhere(page: Opened) -> None:
    """A refusal, and no file, no traceback and nothing of what is watched."""
    refusals = {b"HTTP/1.1 400 ", b"HTTP/1.1 404 ", b"HTTP/1.1 405 ", b"HTTP/1.1 303 ", b"HTTP/1.1 421 "}
    for request_line in CROOKED:
        answer = await raw(page, request_line + b"\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")

        assert answer[:13] in refusals, request_line
        assert not re.search(rb"root:|Traceback|JDoe|import annotations", answer), request_line


async def test_two_hosts_or_none_are_refused(page: Opened) -> None:
    """What stands before us might go by the other one."""
    for hosts in (b"Host: localhost\r\nHost: evil.example.com\r\n", b""):
        answer = await raw(page, b"GET / HTTP/1.1\r\n" + hosts + b"Connection: close\r\n\r\n")
        assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 421"))


ELSEWHERE = (
    "https://evil.example.com",
    "//evil.example.com",
    "/\\evil.example.com",
    "/%0d%0aX: y",
    "javascript:alert(1)",
)


async def test_a_login_leads_nowhere_else(tmp_path: Path) -> None:
    """And nothing that is sent becomes a header of the answer."""
    async with opened(tmp_path, log_in=False) as page:
        for then in ELSEWHERE:
            page.client.cookies.clear()
            shown = await page.client.get("/login", params={"then": then})
            assert "evil.example.com" not in shown.headers.get("location", "")
            fields = {"mark": await page.mark("/login"), "token": TOKEN, "then": f"{then}\r\nX-Evil: 1"}
            answer = await page.client.post("/login", data=fields)
            location = answer.headers["location"]
            assert "x-evil" not in answer.headers
            assert location.startswith("/")
            assert not location.startswith(("//", "/\\"))


async def test_every_answer_forbids_what_it_does_not_need(page: Opened) -> None:
    """No script, style or picture from elsewhere, none inside the page, no frame around it, nothing kept."""
    paths = (*READS[:2], "/login", "/nothing", "/static/page.js", "/healthz", f"/alerts/{page.alert.alert_id}")
    for path in paths:
        headers = (await page.client.get(path)).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")
        assert "server" not in headers
        html = (await page.client.get(path)).text if "static" not in path else ""
        assert not re.search(r"<script(?! src=\"/static/)|<style| style=| on[a-z]+=\"|href=\"javascript", html)
        assert not re.search(r"(?:src|href)=\"(?:https?:)?//", html)


# ---- bodies and slow clients ----------------------------------------------------------------------------------------


async def test_no_more_is_read_than_a_form_has(page: Opened) -> None:
    """Whether it says beforehand how much it sends or not."""
    before = state(page)
    announced = await page.client.post("/silences", content=b"a" * (LARGEST_BODY + 1))
    assert announced.status_code == 413

    async def endless() -> object:
        for _ in range(64):
            yield b"a" * 1024

    unannounced = await page.client.post(
        "/silences",
        content=endless(),  # type: ignore[arg-type]  # an async generator is what httpx takes here
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert unannounced.status_code == 413
    many = "&".join(f"a{number}=1" for number in range(100))
    await refused(page, "/silences", {}, **{"content-type": "application/x-www-form-urlencoded"})
    answer = await page.client.post(
        "/silences", content=many, headers={"content-type": "application/x-www-form-urlencoded"}
    )
    assert answer.status_code == 403
    assert state(page) == before


BEGINNINGS = (
    b"",
    b"GET / HT",
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ",
    b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 999\r\n\r\nmark=",
)


async def test_clients_that_never_finish_are_cut(page: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """However slowly they go on; the others are answered meanwhile."""
    monkeypatch.setattr(patience, "ASKS_WITHIN", 0.3)
    monkeypatch.setattr(patience, "LOOKS_EVERY", 0.05)
    host, _, port = page.page.address.rpartition(":")
    streams = [await asyncio.open_connection(host, int(port)) for _ in BEGINNINGS]

    async def drip() -> None:
        for (_, writer), beginning in zip(streams, BEGINNINGS, strict=True):
            writer.write(beginning)
        while True:
            await asyncio.sleep(0.05)
            for (_, writer), beginning in zip(streams, BEGINNINGS, strict=True):
                writer.write(b"a" if beginning else b"")

    dripping = asyncio.create_task(drip())
    assert (await page.client.get("/healthz")).status_code == 200
    for reader, writer in streams:
        async with asyncio.timeout(PATIENCE):
            with suppress(ConnectionError):
                assert not (await reader.read()).startswith(b"HTTP/1.1 200")
        writer.close()
    dripping.cancel()


async def test_a_client_that_takes_no_answer_is_cut(page: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits to be sent to it is let go."""
    monkeypatch.setattr(patience, "ASKS_WITHIN", 0.3)
    monkeypatch.setattr(patience, "LOOKS_EVERY", 0.05)
    host, _, port = page.page.address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
    asked = b"GET /static/page.js HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with suppress(ConnectionError):
        async with asyncio.timeout(PATIENCE):
            while not writer.transport.is_closing():
                writer.write(asked * 50)
                await asyncio.sleep(0.01)
    writer.close()
    assert (await page.client.get("/healthz")).status_code == 200
    del reader


# ---- words of others ------------------------------------------------------------------------------------------------

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}\u202e\x00"


async def test_what_others_write_stays_text(page: Opened) -> None:
    """Names of accounts, fields, positions, notes and names of people are shown as they are and do nothing."""
    key = AccountKey("futures", EVIL)
    fields = {**numbers("0.95"), "trading_status": EVIL}
    page.story.see(430, fields, account=key, name=EVIL, positions=({"id": EVIL, "note": EVIL, EVIL: EVIL},))
    page.show(440)
    alert = next(each for each in page.story.store.history.alerts() if each.key.account == key)
    path = f"/alerts/{page.alert.alert_id}"
    assert (await page.send(f"{path}/acknowledge", path, {"by": EVIL[:60], "note": EVIL})).status_code == 303
    await page.send("/silences", "/silences", {"rule": EVIL[:60], "by": EVIL[:60], "note": EVIL, "span": "1h"})
    page.story.see(450, numbers("0.95"), account=key, name=EVIL)
    page.show(450)
    account = (
        "/accounts/futures/"
        + httpx.URL("http://x").copy_with(path="/" + EVIL.replace("\x00", "")).raw_path.decode()[1:]
    )

    for at in ("/", path, "/silences", f"/alerts/{alert.alert_id}", account):
        html = (await page.client.get(at)).text
        assert "<script>alert" not in html, at
        assert "<img" not in html, at
        assert "49" not in re.findall(r"alert\(2\)&gt;(\d*)", html)
        assert "\x00" not in html
    overview = unescape(await page.text("/"))
    assert "<script>alert(1)</script>" in overview


# ---- links in messages ----------------------------------------------------------------------------------------------


def link(page: Opened, *, ago: timedelta = timedelta(0), key: bytes | None = None, alert: str = "") -> str:
    """The path of a link for the alert."""
    links = Links(key or page.story.store.keys.signing(), "http://x")
    return links.alert(alert or page.alert.alert_id, "desk", clock.now() - ago).removeprefix("http://x")


async def test_a_link_needs_no_login_and_does_nothing_by_itself(tmp_path: Path) -> None:
    """Whatever previews it sees what it would do; it shows that alert and no other page."""
    async with opened(tmp_path, log_in=False) as page:
        before, path = state(page), link(page)
        for _ in range(3):
            shown = await page.text(path)
            assert (await page.client.head(path)).status_code in {200, 405}
        assert "This link was sent to desk" in shown
        assert "Opening it has done nothing" in shown
        assert state(page) == before
        assert (await page.client.get("/")).status_code == 303


async def test_no_page_shows_the_link_of_a_message(tmp_path: Path) -> None:
    """Whoever may read the words of a message here may not act by the link in them."""
    async with opened(tmp_path, token=None) as page:
        token = link(page).removeprefix("/act/")
        words = f"Open or acknowledge: http://127.0.0.1:1/act/{token} now"
        told = message(alert_id=page.alert.alert_id, receiver="pager", body=words)
        page.story.store.commit(commit(500, messages=(told,)))
        html = await page.text(f"/alerts/{page.alert.alert_id}")

        assert "Open or acknowledge: http://127.0.0.1:1/act/… now" in html
        assert token not in html


async def test_a_link_does_each_thing_once(tmp_path: Path) -> None:
    """Whoever sends its form again is told who did it when; the other thing it can do is still free."""
    async with opened(tmp_path, log_in=False) as page:
        path = link(page)
        acknowledge = {"do": "acknowledge", "by": "Ann", "span": "2h", "mark": await page.mark(path)}
        silence = {**acknowledge, "do": "silence"}
        done = await page.client.post(path, data=acknowledge)
        assert (done.status_code, "It is acknowledged" in done.text) == (200, True)
        after = state(page)
        again = await page.client.post(path, data={**acknowledge, "by": "Eve"})
        assert again.status_code == 409
        assert "used for that already, by Ann at" in again.text
        assert state(page) == after
        assert (await page.client.post(path, data=silence)).status_code == 200
        assert (await page.client.post(path, data=silence)).status_code == 409
        assert page.story.store.operators.silences()[-1].by == "Ann"


async def test_a_used_link_says_who_used_it_for_what_and_offers_no_more_of_it(tmp_path: Path) -> None:
    """Each form goes as it was used; a link that did both has none left."""
    async with opened(tmp_path, log_in=False) as page:
        path = link(page)
        fresh = await page.text(path)
        assert ("used this link" in fresh, fresh.count("<form")) == (False, 2)
        await page.send(path, path, {"do": "acknowledge", "by": "Ann <b>", "span": "2h"})
        once = await page.text(path)
        assert re.search(r"Ann &lt;b&gt; used this link at .*20\d\d-.* to acknowledge the alert\.", once)
        assert (once.count("<form"), 'value="silence"' in once) == (1, True)
        await page.send(path, path, {"do": "silence", "by": "Bob", "span": "1h"})
        both = await page.text(path)
        assert re.search(r"Bob used this link at .* to silence rule", both)
        assert ("It can do nothing more." in both, "<form" in both) == (True, False)
        assert "used this link" not in await page.text(link(page, ago=timedelta(minutes=1)))


async def test_a_link_that_is_not_ours_or_not_of_now_is_refused(tmp_path: Path) -> None:
    """Forged, changed, too old, or of another marginwatch: by a look and by a form."""
    async with opened(tmp_path, log_in=False) as page:
        good = link(page)
        mark = await page.mark(good)
        wrong = {
            link(page, ago=LASTS): "too old",
            link(page, key=b"x" * 32): "was not made by this marginwatch",
            good[:-3]: "was not made by this marginwatch",
            good.replace("/act/", "/act/A"): "was not made by this marginwatch",
            "/act/x": "was not made by this marginwatch",
            "/act/" + "A" * 4000: "was not made by this marginwatch",
        }
        for path, why in wrong.items():
            assert why in await refused(page, path, {"mark": mark, "do": "acknowledge", **FORM})
            answer = await page.client.get(path)
            assert (answer.status_code, why in answer.text) == (403, True)


async def test_the_form_of_one_link_is_not_that_of_another(tmp_path: Path) -> None:
    """Nor does one without a mark do anything, as a program that follows every address might send."""
    async with opened(tmp_path, log_in=False) as page:
        first = link(page)
        other = link(page, ago=timedelta(minutes=1))
        mark = await page.mark(first)
        await refused(page, other, {"mark": mark, "do": "acknowledge", **FORM})
        await refused(page, first, {"do": "acknowledge", **FORM})
        await refused(page, first, {"mark": mark, "do": "acknowledge", **FORM}, origin="https://evil.example.com")


async def test_a_link_says_what_is_missing(tmp_path: Path) -> None:
    """And is not used up by it."""
    async with opened(tmp_path, log_in=False) as page:
        path = link(page)
        assert (await page.send(path, path, {"do": "acknowledge"})).status_code == 422
        assert (await page.send(path, path, {"do": "dance", "by": "Ann"})).status_code == 422
        assert (await page.send(path, path, {"do": "acknowledge", "by": "Ann"})).status_code == 200


async def test_a_link_to_an_alert_that_is_gone_says_so(tmp_path: Path) -> None:
    """It may have been pruned."""
    async with opened(tmp_path, log_in=False) as page:
        answer = await page.client.get(link(page, alert="zzzzzz"))
        assert (answer.status_code, "There is no such alert" in answer.text) == (404, True)
