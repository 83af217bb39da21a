"""Who asks: --basic-auth, --bearer, a URL with user and password; and that no output shows it."""

import base64
import subprocess

import pytest

from conftest import need, outputs, says
from proxies import basic
from servers import always, answer

ONE = ["-m", "1", "--requests", "5", "-t", "20s"]
SECRET = "Pa55-w0rd"
USER = f"anna:{SECRET}"
TOKEN = "t0ken.of-a_very~secret+kind/=="
USAGE, CONFIG = 2, 1


@pytest.fixture
def guarded(nginx_with, tmp_path):
    """An nginx that lets only this user in."""
    need("openssl")
    hashed = subprocess.run(["openssl", "passwd", "-apr1", SECRET], capture_output=True, text=True, check=True).stdout.strip()
    (tmp_path / "users").write_text(f"anna:{hashed}\n")
    block = f'server {{ listen 127.0.0.1:PORT; auth_basic "x"; auth_basic_user_file {tmp_path}/users; root {tmp_path}; location / {{ try_files /users =404; }} }}'
    return nginx_with(block)


@pytest.fixture
def server(scripted):
    return scripted(always(answer()))


def authorizations(server):
    return {tuple(request.values("Authorization")) for request in server.requests}


@pytest.mark.option("basic-auth")
@pytest.mark.parametrize("flag", ["-a", "--basic-auth"])
def test_nginx_lets_the_user_in(strest, guarded, flag):
    result = strest.measure("-u", guarded.url + "/", flag, USER, *ONE)
    assert result["status"] == {"200": 5} and result["books"]["ok"] == 5
    assert {line["user"] for line in guarded.lines()} == {"anna"}


@pytest.mark.option("basic-auth")
@pytest.mark.parametrize("words", [[], ["-a", "anna:wrong"], ["-a", "anna:"], ["-a", f"bert:{SECRET}"]])
def test_nginx_lets_nobody_else_in(strest, guarded, words):
    result = strest.measure("-u", guarded.url + "/", *words, *ONE)
    assert result["status"] == {"401": 5} and result["books"]["failed"] == 5


@pytest.mark.option("basic-auth")
@pytest.mark.parametrize(
    "userinfo, value",
    [
        ("Aladdin:open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),  # RFC 7617 section 2
        ("test:123£", "Basic dGVzdDoxMjPCow=="),  # section 2.1
        ("anna:", "Basic YW5uYTo="),
        ("anna:a:b::", "Basic YW5uYTphOmI6Og=="),
        ("x" * 300 + ":" + "y" * 300, basic("x" * 300 + ":" + "y" * 300)),
    ],
)
def test_user_and_password_arrive_as_basic(strest, server, userinfo, value):
    assert strest.measure("-u", server.url, "-a", userinfo, *ONE)["books"]["ok"] == 5
    assert authorizations(server) == {(value,)}


@pytest.mark.option("bearer")
def test_a_token_arrives_as_bearer(strest, server):
    assert strest.measure("-u", server.url, "--bearer", TOKEN, *ONE)["books"]["ok"] == 5
    assert authorizations(server) == {(f"Bearer {TOKEN}",)}


@pytest.mark.option("bearer")
def test_nginx_lets_the_token_in(strest, nginx_with):
    guard = nginx_with(f'server {{ listen 127.0.0.1:PORT; location / {{ if ($http_authorization != "Bearer {TOKEN}") {{ return 403; }} return 200 "in"; }} }}')
    assert strest.measure("-u", guard.url, "--bearer", TOKEN, *ONE)["status"] == {"200": 5}
    assert strest.measure("-u", guard.url, "--bearer", "another", *ONE)["status"] == {"403": 5}


@pytest.mark.option("basic-auth", "bearer")
@pytest.mark.parametrize("words, value", [(["-a", USER], basic(USER)), (["--bearer", TOKEN], f"Bearer {TOKEN}")])
def test_what_is_asked_for_goes_before_the_urls_user(strest, server, words, value):
    strest.measure("-u", server.url.replace("://", "://bert:other@"), *words, *ONE)
    assert authorizations(server) == {(value,)}


@pytest.mark.option("basic-auth")
@pytest.mark.parametrize("key, flag", [("basic_auth", USER), ("bearer", TOKEN)])
def test_a_secret_may_come_from_the_environment_by_a_file(strest, server, tmp_path, key, flag):
    path = tmp_path / "run.toml"
    path.write_text(f'url = "{server.url}/"\n{key} = "${{WHO_ASKS}}"\n')
    assert strest.measure("--config", path, *ONE, env={"WHO_ASKS": flag})["books"]["ok"] == 5
    assert authorizations(server) == {(basic(flag) if key == "basic_auth" else f"Bearer {flag}",)}
    shown = strest.run("--config", path, "--print-config", env={"WHO_ASKS": flag})
    assert "${WHO_ASKS}" in shown.out and flag not in shown.out, shown


@pytest.mark.option("basic-auth")
def test_the_command_line_goes_before_the_file(strest, server, tmp_path):
    path = tmp_path / "run.toml"
    path.write_text(f'url = "{server.url}/"\nbearer = "from-the-file"\n')
    strest.measure("--config", path, "-a", USER, *ONE)
    assert authorizations(server) == {(basic(USER),)}


@pytest.mark.option("basic-auth", "bearer", "debug")
@pytest.mark.parametrize("words, secrets", [(["-a", USER], [SECRET, basic(USER).split()[1]]), (["--bearer", TOKEN], [TOKEN])])
def test_a_secret_is_shown_nowhere(strest, server, words, secrets):
    text = outputs(strest, "-u", server.url, *words, *ONE)
    for secret in secrets:
        assert secret not in text
    assert server.counted > 0 and authorizations(server) != {()}


@pytest.mark.option("basic-auth", "debug")
@pytest.mark.parametrize("key, value", [("basic_auth", USER), ("bearer", TOKEN)])
def test_a_secret_of_a_file_is_shown_nowhere(strest, server, tmp_path, key, value):
    path = tmp_path / "run.toml"
    path.write_text(f'url = "{server.url}/"\n{key} = "{value}"\n')
    text = outputs(strest, "--config", path, *ONE)
    assert value not in text and SECRET not in text and base64.b64encode(value.encode()).decode() not in text


@pytest.mark.option("basic-auth", "bearer")
@pytest.mark.parametrize(
    "words, code, said",
    [
        (["-a", "anna"], USAGE, ["--basic-auth", "USER:PASSWORD"]),
        (["-a", ":" + SECRET], USAGE, ["--basic-auth", "user"]),
        (["-a", ""], USAGE, ["--basic-auth"]),
        (["-a", f"anna:{SECRET}\r\nX-Evil: 1"], USAGE, ["--basic-auth", "control"]),
        (["--bearer", f"{SECRET}\nX-Evil: 1"], USAGE, ["--bearer"]),
        (["--bearer", ""], USAGE, ["--bearer"]),
        (["-a", USER, "--bearer", SECRET], USAGE, ["--basic-auth", "--bearer"]),
        (["-a", USER, "-a", USER], USAGE, ["--basic-auth", "once"]),
        (["-a", USER, "-H", f"Authorization: Bearer {SECRET}"], CONFIG, ["--basic-auth", "Authorization"]),
        (["--bearer", SECRET, "-H", f"authorization: {SECRET}"], CONFIG, ["--bearer", "uthorization"]),
    ],
)
def test_what_is_no_secret_is_refused_without_showing_it(strest, server, words, code, said):
    finished = strest.run("-u", server.url, *words)
    says(finished, code, *said)
    assert SECRET not in finished.err
    assert server.peers == []
