"""A controller or an agent as a service of systemd: what is written where, what systemctl is told, what is refused.

Each test has an /etc, a /usr/local/bin and a /var/lib of its own, in a mount namespace, and a systemctl that writes down how it is called."""

import json
import os
import re
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest

from conftest import BINARY, need, says

CONTROLLER = ["--controller-listen", "0.0.0.0:9009", "--controller-mode", "manual", "--control-listen", "127.0.0.1:9010"]
AGENT = ["--agent-join", "10.0.0.5:9009", "--agent-standby"]
FOREIGN = "[Unit]\nDescription=somebody else's\n"
UNITS, VARIABLES = "etc/systemd/system", "etc/strest"

SYSTEMCTL = """#!/bin/sh
echo "$*" >>CALLS/list
case $1 in is-active) code=3 ;; *) code=0 ;; esac
[ ! -e "CALLS/$1" ] || code=$(cat "CALLS/$1")
[ "$code" != kill ] || kill -9 $$
exit "$code"
"""

INSIDE = """set -eu
for part in etc var/lib usr/local/bin; do
    mount --bind "$1/$part" "/$part"
done
folder=$2
shift 2
cd "$folder"
exec "$@"
"""


class Machine:
    """A root of its own."""

    def __init__(self, strest, folder):
        self.strest, self.root, self.home = strest, folder / "root", folder / "home"
        for part in (UNITS, "var/lib", "usr/local/bin", "calls"):
            (self.root / part).mkdir(parents=True)
        self.home.mkdir()
        shutil.copy(BINARY, self.root / "usr/local/bin/strest")
        program = self.root / "usr/local/bin/systemctl"
        program.write_text(SYSTEMCTL.replace("CALLS", str(self.root / "calls")))
        program.chmod(0o755)

    def run(self, *args, env=None, folder=None):
        inside = ["unshare", "-m", "--propagation", "private", "sh", "-c", INSIDE, "sh", self.root, folder or self.home, "/usr/local/bin/strest"]
        self.strest.binary = inside[0]
        return self.strest.run(*inside[1:], *args, env={**(env or {}), "PATH": "/usr/local/bin:/usr/bin:/bin"})

    def install(self, *args, **more):
        finished = self.run(*args, "--install-service", **more)
        assert finished.code == 0, finished
        return finished

    def calls(self):
        path = self.root / "calls/list"
        return path.read_text().splitlines() if path.exists() else []

    def answers(self, verb, code):
        (self.root / "calls" / verb).write_text(f"{code}\n")

    def unit(self, name="strest-agent"):
        return self.root / UNITS / f"{name}.service"

    def variables(self, name="strest-agent"):
        return self.root / VARIABLES / f"{name}.env"

    def files(self):
        return sorted(path.name for part in (UNITS, VARIABLES) if (self.root / part).exists() for path in (self.root / part).iterdir())


@pytest.fixture(scope="module")
def mountable():
    """Skips where nothing can be mounted."""
    need("unshare")
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "mount", "--bind", "/usr", "/usr"], capture_output=True).returncode != 0:
        pytest.skip("needs root that may mount")


@pytest.fixture
def machine(strest, tmp_path, mountable):
    return Machine(strest, tmp_path)


def directives(text):
    """A unit's lines "key=value", in order."""
    return [tuple(line.split("=", 1)) for line in text.splitlines() if "=" in line and not line.startswith("#")]


def value(text, key):
    values = [found for name, found in directives(text) if name == key]
    assert len(values) == 1, (key, values)
    return values[0]


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.option("install-service", "service-name")
def test_a_controller_is_installed_and_started(machine):
    finished = machine.install(*CONTROLLER, "--auth-token", "s3cret", "--service-name", "load.service")
    text = machine.unit("load").read_text()
    assert mode(machine.unit("load")) == 0o644
    assert value(text, "ExecStart") == "/usr/local/bin/strest " + " ".join(CONTROLLER)
    assert value(text, "Description") == "strest controller"
    assert value(text, "EnvironmentFile") == "/etc/strest/load.env"
    assert machine.calls() == ["is-active --quiet load.service", "daemon-reload", "enable --now load.service"]
    assert machine.files() == ["load.env", "load.service"]
    assert "load.service" in finished.out and finished.err == "", finished


@pytest.mark.option("install-service")
def test_an_agent_is_installed_under_its_own_name(machine):
    machine.install(*AGENT)
    text = machine.unit().read_text()
    assert value(text, "ExecStart") == "/usr/local/bin/strest --agent-join 10.0.0.5:9009 --agent-standby"
    assert value(text, "Description") == "strest agent"
    assert machine.files() == ["strest-agent.service"], "no variables, no file of them"


def test_tokens_stand_in_no_unit_but_in_a_file_of_root(machine):
    machine.install(*CONTROLLER, "--control-auth-token=fromtheline", env={"STREST_AUTH_TOKEN": "from the $environment"})
    unit, variables = machine.unit("strest-controller").read_text(), machine.variables("strest-controller")
    assert "fromtheline" not in unit and "environment" not in unit
    assert "token" not in value(unit, "ExecStart")
    assert mode(variables) == 0o600 and mode(variables.parent) == 0o755
    assert variables.read_text().splitlines()[1:] == ['STREST_AUTH_TOKEN="from the \\$environment"', 'STREST_CONTROL_AUTH_TOKEN="fromtheline"']


def test_a_token_of_a_file_is_read_for_the_service(machine):
    token = machine.home / "token"
    token.write_text("of the file\n")
    token.chmod(0o600)
    machine.install(*AGENT, "--auth-token-file", "token")
    assert machine.variables().read_text().splitlines()[1:] == ['STREST_AUTH_TOKEN="of the file"']
    assert "token" not in value(machine.unit().read_text(), "ExecStart")


@pytest.mark.parametrize("content, words", [("", "is empty"), ("a\nb\n", "more than one line"), (None, "No such file")])
def test_a_token_file_without_a_token_is_refused(machine, content, words):
    if content is not None:
        (machine.home / "token").write_text(content)
    says(machine.run(*AGENT, "--auth-token-file", "token", "--install-service"), 1, "--auth-token-file", words)
    assert machine.files() == [] and machine.calls() == []


def test_a_key_that_only_root_reads_is_handed_over_by_systemd(machine):
    for name, rights in (("cert.pem", 0o644), ("key.pem", 0o600)):
        (machine.root / "var/lib" / name).write_text(name)
        (machine.root / "var/lib" / name).chmod(rights)
    machine.install(*AGENT, "--fleet-cert", "cert.pem", "--fleet-key", "key.pem", folder="/var/lib")
    text = machine.unit().read_text()
    assert value(text, "ExecStart").endswith(" --fleet-cert /var/lib/cert.pem --fleet-key=%d/fleet-key")
    assert value(text, "LoadCredential") == "fleet-key:/var/lib/key.pem"


def test_the_config_file_of_this_folder_goes_with_the_service(machine):
    config = machine.root / "var/lib/strest.toml"
    config.write_text('[distributed]\njoin = "10.0.0.5:9009"\nauth_token = "${FLEET}"\nfleet_ca = "ca.pem"\n')
    (machine.root / "var/lib/ca.pem").write_text("ca")
    (machine.root / "var/lib/ca.pem").chmod(0o644)
    config.chmod(0o644)
    machine.install("--agent-standby", folder="/var/lib", env={"FLEET": 'a"b'})
    assert value(machine.unit().read_text(), "ExecStart") == "/usr/local/bin/strest --agent-standby --config=/var/lib/strest.toml --fleet-ca=/var/lib/ca.pem"
    assert machine.variables().read_text().splitlines()[1:] == ['FLEET="a\\"b"']
    config.chmod(0o600)
    machine.install("--agent-standby", "--config", "strest.toml", folder="/var/lib", env={"FLEET": "c"})
    text = machine.unit().read_text()
    assert value(text, "ExecStart") == "/usr/local/bin/strest --agent-standby --config=%d/config.toml --fleet-ca=/var/lib/ca.pem"
    assert value(text, "LoadCredential") == "config.toml:/var/lib/strest.toml"


def test_a_service_that_runs_is_started_anew(machine):
    machine.install(*AGENT, "--auth-token", "a")
    machine.answers("is-active", 0)
    machine.install(*AGENT, "--agent-weight", "3")
    assert machine.calls()[3:] == ["is-active --quiet strest-agent.service", "daemon-reload", "enable --now strest-agent.service", "restart strest-agent.service"]
    assert value(machine.unit().read_text(), "ExecStart").endswith(" --agent-weight 3")
    assert machine.files() == ["strest-agent.service"], "the old token is gone"


@pytest.mark.option("uninstall-service")
def test_a_service_is_removed(machine):
    machine.install(*CONTROLLER, "--auth-token", "a")
    finished = machine.run("--controller-listen", "0.0.0.0:9009", "--uninstall-service", "--service-name", "strest-controller")
    assert finished.code == 0 and finished.err == "", finished
    assert machine.files() == [] and not (machine.root / VARIABLES).exists()
    assert machine.calls()[3:] == ["disable --now strest-controller.service", "daemon-reload"]


def test_what_is_not_there_is_removed_all_the_same(machine):
    machine.answers("disable", 5)
    finished = machine.run("--uninstall-service")
    assert finished.code == 0, finished
    assert "systemctl disable --now strest.service: exit status 5" in finished.err
    assert machine.calls() == ["disable --now strest.service", "daemon-reload"]


def leave(path, kind):
    if kind == "link":
        path.symlink_to("/dev/null")  # how systemctl mask does it
    else:
        path.write_text(FOREIGN)


@pytest.mark.parametrize("place", ["unit", "variables"])
@pytest.mark.parametrize("kind", ["file", "link"])
def test_what_others_wrote_is_left_alone(machine, place, kind):
    path = getattr(machine, place)()
    path.parent.mkdir(exist_ok=True)
    leave(path, kind)
    before = machine.files()
    for action, word in (("--install-service", "overwritten"), ("--uninstall-service", "removed")):
        says(machine.run(*AGENT, "--auth-token", "a", action), 1, path.name, "was not written by strest", word)
    assert machine.files() == before and machine.calls() == []
    assert path.is_symlink() if kind == "link" else path.read_text() == FOREIGN


@pytest.mark.parametrize("verb, code, words", [
    ("daemon-reload", 1, "systemctl daemon-reload: exit status 1"),
    ("enable", 4, "systemctl enable --now strest-agent.service: exit status 4"),
    ("enable", "kill", "systemctl enable --now strest-agent.service: killed by signal 9"),
])
def test_a_failing_command_ends_it_there(machine, verb, code, words):
    machine.answers(verb, code)
    says(machine.run(*AGENT, "--install-service"), 1, words)
    assert machine.calls()[-1].startswith(verb)


def test_without_systemctl_nothing_is_written(machine):
    (machine.root / "usr/local/bin/systemctl").unlink()
    inside = ["-m", "--propagation", "private", "sh", "-c", INSIDE, "sh", machine.root, machine.home, "env", "PATH=/usr/local/bin", "strest"]
    machine.strest.binary = "unshare"
    says(machine.strest.run(*inside, *AGENT, "--install-service"), 1, "systemctl is-active --quiet strest-agent.service: cannot be run: No such file")
    assert machine.files() == []


def test_only_root_may(strest):
    as_nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"] if os.geteuid() == 0 else []
    for action in ("--install-service", "--uninstall-service"):
        if as_nobody:
            need("setpriv")
            if subprocess.run([*as_nobody, BINARY, "--version"], capture_output=True).returncode != 0:
                pytest.skip("nobody else can run the program here")
        says(strest.run(*AGENT, action, prefix=as_nobody), 1, action, "root", "sudo")


@pytest.mark.parametrize("name", ["../x", "a b", "", "a/b", "-x", "x" * 201])
def test_a_name_that_is_none_is_refused(strest, name):
    says(strest.run(*AGENT, "--install-service", "--service-dry-run", f"--service-name={name}"), 1, "--service-name")


@pytest.mark.parametrize("args, words", [
    ([*AGENT, "-H", "Cookie: a=b"], ["--headers", "--config"]),
    ([*AGENT, "--bearer", "abcdef"], ["--bearer", "--config"]),
    ([*CONTROLLER, "--auth-token", "t", "-u", "http://u:pw@127.0.0.1/"], ["--url", "--config"]),
    ([*AGENT, "--fleet-ca", "/nowhere/ca.pem"], ["--fleet-ca", "/nowhere/ca.pem", "No such file"]),
    ([*CONTROLLER, "--auth-token", "t", "--export-json", "/srv/x.json"], ["--export-json", "/var/lib/strest", "relative"]),
    (["--install-service", "-u", "http://127.0.0.1/"], ["--install-service", "--agent-join"]),
    ([*AGENT, "--uninstall-service"], ["--install-service", "--uninstall-service"]),
])
def test_what_no_service_can_be_is_refused(strest, args, words):
    finished = strest.run(*args, *([] if "--install-service" in args else ["--install-service"]), *([] if "--uninstall-service" in args else ["--service-dry-run"]))
    says(finished, 1, *words)
    assert "abcdef" not in finished.err and "pw" not in finished.err


def dry(strest, *args, **more):
    finished = strest.run(*args, "--install-service", "--service-dry-run", **more)
    assert finished.code == 0, finished
    return finished.out


@pytest.mark.option("service-dry-run", "install-service")
def test_a_dry_run_prints_the_unit_and_does_nothing(strest, machine):
    finished = machine.run(*AGENT, "--auth-token", "s3cret", "--install-service", "--service-dry-run")
    assert finished.code == 0 and finished.err == "" and "s3cret" not in finished.out, finished
    assert machine.files() == [] and machine.calls() == []
    machine.install(*AGENT, "--auth-token", "s3cret")
    assert machine.unit().read_text() == finished.out


NASTY = ["X-Note: 50% of $HOME ${PATH} \"q\" \\b'; ä", "X-Tab: a\tb", "X-S: ;", "X-Specifiers: %h%%n$$"]


@pytest.fixture
def systemd():
    """systemd(unit) is how systemd itself understands a unit, as a list of lines; it runs nothing."""
    need("systemd-analyze", "setpriv")
    folder = tempfile.mkdtemp(prefix="strest-units-")
    os.chmod(folder, 0o777)  # nobody is to use it: root is not let
    less = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"] if os.geteuid() == 0 else []
    env = {"HOME": "/nonexistent", "XDG_RUNTIME_DIR": folder, "SYSTEMD_UNIT_PATH": f"{folder}:", "PATH": os.environ["PATH"]}

    def read(text):
        path = Path(folder, "x.service")
        path.write_text(text)
        path.chmod(0o644)
        said = subprocess.run([*less, "/lib/systemd/systemd", "--test", "--user", "--unit=x.service"], capture_output=True, text=True, timeout=60, env=env)
        if said.returncode != 0:
            pytest.skip(f"systemd cannot look at units here: {said.stderr}")
        return said.stdout.split("-> Unit x.service:")[1].split("-> Unit ")[0].splitlines()

    yield read
    shutil.rmtree(folder)


def words_of(line):
    """The words of a command as systemd prints it: between double quotes there are C's escapes, and the shell's."""
    words = []
    for found in re.finditer(r'"((?:\\.|[^"\\])*)"|\S+', line):
        quoted = found[0].startswith('"')
        text = re.sub(r"\\(.)", lambda m: {"t": "\t", "n": "\n"}.get(m[1], m[1]), found[1]) if quoted else found[0]
        words.append(text.replace("$$", "$"))  # what is done when it is started: systemd.service(5)
    return words


def test_systemd_reads_the_arguments_that_were_given(strest, systemd):
    args = [*CONTROLLER, *[word for text in NASTY for word in ("-H", text)], "--data", ""]
    lines = systemd(dry(strest, *args, "--auth-token", "t"))
    commands = [line.split("Command Line: ")[1] for line in lines if "Command Line: " in line]
    assert len(commands) == 1, lines
    assert words_of(commands[0]) == [os.path.realpath(BINARY), *args], commands
    kept = {line.split(":", 1)[0].strip(): line.split(":", 1)[1].strip() for line in lines if ":" in line}
    assert kept["DynamicUser"] == "yes" and kept["StateDirectory"] == "strest" and kept["KillSignal"] == "SIGINT", kept


@pytest.mark.parametrize("args", [[*CONTROLLER, "--auth-token", "t"], AGENT])
def test_systemd_finds_nothing_wrong_with_the_unit(strest, tmp_path, args):
    need("systemd-analyze")
    path = tmp_path / "strest-x.service"
    path.write_text(dry(strest, *args))
    said = subprocess.run(["systemd-analyze", "verify", path], capture_output=True, text=True, timeout=60)
    assert "strest-x" not in said.stderr and said.returncode == 0, said
    graded = subprocess.run(["systemd-analyze", "security", "--offline=true", "--json=short", path], capture_output=True, text=True, timeout=60)
    rows = json.loads(graded.stdout)
    assert {row["json_field"]: row["set"] for row in rows}["NoNewPrivileges"] is True, rows
