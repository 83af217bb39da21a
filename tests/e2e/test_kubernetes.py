"""The manifests in kubernetes/ and the image that they run: fields that the API knows, names that refer to each other, arguments that strest takes.

What an object may hold is written down here from the API reference of Kubernetes (apps/v1, v1, networking.k8s.io/v1), as far as the manifests use it."""

import copy
import os
import re
import subprocess
from pathlib import Path

import pytest

from conftest import BINARY, need, says

yaml = pytest.importorskip("yaml", reason="needs python3-yaml (script/bootstrap test)")

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "kubernetes"

# ---- what the API knows: a type, [of a list's items], {of a map's values}, or the members of an object, those that must be there with a "!" ----

NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
LABEL = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")
PORT_NAME = re.compile(r"(?=.*[a-z])[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?")
QUANTITY = re.compile(r"[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
PORT = range(1, 65536)
COUNT = range(0, 1 << 31)
ID = range(0, 1 << 31)
LABELS = {"": LABEL}
SELECTOR = {"matchLabels": LABELS}
META = {"name!": NAME, "labels": LABELS}
KEY = {"name!": NAME, "key!": re.compile(r"[-._a-zA-Z0-9]+")}
PROBE = {
    "httpGet!": {"path": re.compile(r"/.*"), "port!": (PORT, PORT_NAME), "scheme": ("HTTP", "HTTPS")},
    "periodSeconds": range(1, 1 << 31), "timeoutSeconds": range(1, 1 << 31), "failureThreshold": range(1, 1 << 31),
}
CONTAINER = {
    "name!": NAME, "image!": str, "imagePullPolicy": ("Always", "IfNotPresent", "Never"), "args": [str],
    "env": [{"name!": VARIABLE, "value": str, "valueFrom": {"secretKeyRef": KEY, "fieldRef": {"fieldPath!": ("metadata.name", "metadata.namespace")}}}],
    "ports": [{"name": PORT_NAME, "containerPort!": PORT, "protocol": ("TCP", "UDP", "SCTP")}],
    "readinessProbe": PROBE, "livenessProbe": PROBE,
    "resources": {"requests": {"cpu": QUANTITY, "memory": QUANTITY}, "limits": {"cpu": QUANTITY, "memory": QUANTITY}},
    "securityContext": {"allowPrivilegeEscalation": bool, "readOnlyRootFilesystem": bool, "capabilities": {"drop": [str], "add": [str]}},
    "volumeMounts": [{"name!": NAME, "mountPath!": re.compile(r"/[^:]*"), "readOnly": bool}],
}
POD = {
    "automountServiceAccountToken": bool, "enableServiceLinks": bool, "terminationGracePeriodSeconds": COUNT,
    "securityContext": {
        "runAsNonRoot": bool, "runAsUser": ID, "runAsGroup": ID, "fsGroup": ID, "seccompProfile": {"type!": ("RuntimeDefault", "Unconfined")},
        "sysctls": [{"name!": re.compile(r"[a-z0-9_.]+"), "value!": str}],
    },
    "topologySpreadConstraints": [{
        "maxSkew!": range(1, 1 << 31), "topologyKey!": str, "whenUnsatisfiable!": ("DoNotSchedule", "ScheduleAnyway"), "labelSelector": SELECTOR,
    }],
    "containers!": [CONTAINER],
    "volumes": [{"name!": NAME, "emptyDir!": {"sizeLimit": QUANTITY}}],
}
KINDS = {
    ("v1", "Secret"): {"type": str, "stringData": {"": str}},
    ("v1", "Service"): {"spec!": {
        "type": ("ClusterIP",), "selector": LABELS,
        "ports!": [{"name": PORT_NAME, "port!": PORT, "targetPort": (PORT, PORT_NAME), "protocol": ("TCP", "UDP", "SCTP")}],
    }},
    ("apps/v1", "Deployment"): {"spec!": {
        "replicas": COUNT, "strategy": {"type": ("Recreate", "RollingUpdate")}, "selector!": SELECTOR,
        "template!": {"metadata": {"labels": LABELS}, "spec!": POD},
    }},
    ("networking.k8s.io/v1", "NetworkPolicy"): {"spec!": {
        "podSelector!": SELECTOR, "policyTypes": [("Ingress", "Egress")],
        "ingress": [{"from": [{"podSelector": SELECTOR}], "ports": [{"port": (PORT, PORT_NAME), "protocol": ("TCP", "UDP", "SCTP")}]}],
    }},
}


def fits(value, known):
    """Whether a plain value is one that is known."""
    if isinstance(known, tuple):
        return any(fits(value, one) for one in known)
    if isinstance(known, range):
        return type(value) is int and value in known
    if isinstance(known, re.Pattern):
        return type(value) is str and known.fullmatch(value) is not None
    if isinstance(known, str):
        return value == known
    return type(value) is known


def faults(value, known, at=""):
    """All that the API would not take, as texts."""
    if isinstance(known, list):
        if not isinstance(value, list):
            return [f"{at}: no list"]
        return [text for i, one in enumerate(value) for text in faults(one, known[0], f"{at}[{i}]")]
    if not isinstance(known, dict):
        return [] if fits(value, known) else [f"{at}: {value!r}"]
    if not isinstance(value, dict):
        return [f"{at}: no object"]
    if "" in known:
        return [text for key, one in value.items() for text in faults(key, str, f"{at} key") + faults(one, known[""], f"{at}.{key}")]
    members = {key.rstrip("!"): one for key, one in known.items()}
    missing = [f"{at}.{key[:-1]}: missing" for key in known if key.endswith("!") and key[:-1] not in value]
    return missing + [text for key, one in value.items() for text in (faults(one, members[key], f"{at}.{key}") if key in members else [f"{at}.{key}: unknown"])]


def object_faults(thing):
    kind = (thing.get("apiVersion"), thing.get("kind"))
    if kind not in KINDS:
        return [f"no such kind: {kind}"]
    return faults(thing, {"apiVersion!": str, "kind!": str, "metadata!": META, **KINDS[kind]}, kind[1])


class Strict(yaml.SafeLoader):
    """A key that stands twice is an error, as it is for kubectl."""

    def construct_mapping(self, node, deep=False):
        keys = [key.value for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"a key stands twice: {keys} {node.start_mark}"
        return super().construct_mapping(node, deep)


def read():
    """The objects that kubectl apply -f kubernetes/ would apply."""
    return [thing for path in sorted(FOLDER.iterdir()) if path.suffix in (".yaml", ".yml", ".json") for thing in yaml.load_all(path.read_text(), Strict)]


@pytest.fixture(scope="module")
def objects():
    found = {(thing["kind"], thing["metadata"]["name"]): thing for thing in read()}
    assert len(found) == len(read()) >= 5, "a name stands for one object"
    return found


@pytest.fixture(scope="module", params=["controller", "agent"])
def deployment(request, objects):
    return objects["Deployment", f"strest-{request.param}"]


def pod(deployment):
    return deployment["spec"]["template"]["spec"]


def container(deployment):
    assert len(pod(deployment)["containers"]) == 1
    return pod(deployment)["containers"][0]


def selects(selector, labels):
    return selector.items() <= labels.items()


# ---- the objects ----

def test_the_api_knows_every_field():
    for thing in read():
        assert object_faults(thing) == []


BREAK = [
    (["spec", "replica"], 2), (["spec", "replicas"], "2"), (["spec", "selector"], None), (["metadata", "name"], "Strest_Agent"),
    (["spec", "template", "spec", "containers", 0, "arg"], []), (["spec", "template", "spec", "containers", 0, "args"], "x"),
    (["spec", "template", "spec", "containers", 0, "env", 0, "value"], 1), (["spec", "template", "spec", "containers", 0, "resources", "limits", "memory"], "512MB"),
    (["spec", "template", "spec", "securityContext", "readOnlyRootFilesystem"], True), (["spec", "template", "spec", "securityContext", "runAsUser"], True),
]


@pytest.mark.parametrize("path, value", BREAK)
def test_the_check_sees_what_is_wrong(objects, path, value):
    thing = copy.deepcopy(objects["Deployment", "strest-agent"])
    inner = thing
    for key in path[:-1]:
        inner = inner[key]
    inner.pop(path[-1], None) if value is None else inner.__setitem__(path[-1], value)
    assert len(object_faults(thing)) == 1


def test_a_deployment_selects_its_own_pods_and_no_others(objects):
    labels = {name: thing["spec"]["template"]["metadata"]["labels"] for (kind, name), thing in objects.items() if kind == "Deployment"}
    for name in labels:
        selector = objects["Deployment", name]["spec"]["selector"]["matchLabels"]
        assert [other for other in labels if selects(selector, labels[other])] == [name]
    assert selects(objects["Service", "strest-controller"]["spec"]["selector"], labels["strest-controller"])
    assert not selects(objects["Service", "strest-controller"]["spec"]["selector"], labels["strest-agent"])
    policy = objects["NetworkPolicy", "strest-controller"]["spec"]
    assert selects(policy["podSelector"]["matchLabels"], labels["strest-controller"])
    assert selects(policy["ingress"][0]["from"][0]["podSelector"]["matchLabels"], labels["strest-agent"])
    spread = pod(objects["Deployment", "strest-agent"])["topologySpreadConstraints"][0]
    assert selects(spread["labelSelector"]["matchLabels"], labels["strest-agent"])


def test_ports_lead_to_where_the_controller_listens(objects):
    of_pod = {port["name"]: port["containerPort"] for port in container(objects["Deployment", "strest-controller"])["ports"]}
    assert of_pod == {"controller": 9009, "control": 9010}
    of_service = {port["name"]: (port["port"], port["targetPort"]) for port in objects["Service", "strest-controller"]["spec"]["ports"]}
    assert of_service == {"controller": (9009, "controller"), "control": (9010, "control")}
    args = container(objects["Deployment", "strest-controller"])["args"]
    assert "--controller-listen=0.0.0.0:9009" in args and "--control-listen=127.0.0.1:9010" in args
    assert "--agent-join=strest-controller:9009" in container(objects["Deployment", "strest-agent"])["args"], "the Service's name"
    assert objects["NetworkPolicy", "strest-controller"]["spec"]["ingress"][0]["ports"] == [{"port": 9009, "protocol": "TCP"}], "nobody reaches 9010"
    for probe in ("readinessProbe", "livenessProbe"):
        assert container(objects["Deployment", "strest-controller"])[probe]["httpGet"] == {"path": "/healthz", "port": "controller"}


def test_tokens_come_from_the_secret(objects):
    keys = set(objects["Secret", "strest-auth"]["stringData"])
    taken = {}
    for role in ("controller", "agent"):
        made = container(objects["Deployment", f"strest-{role}"])
        refs = {one["name"]: one["valueFrom"]["secretKeyRef"] for one in made["env"] if "secretKeyRef" in one.get("valueFrom", {})}
        assert all(ref["name"] == "strest-auth" and ref["key"] in keys for ref in refs.values())
        assert not [arg for arg in made["args"] if "token" in arg]
        taken[role] = {name: ref["key"] for name, ref in refs.items()}
    assert taken["agent"] == {"STREST_AUTH_TOKEN": "auth-token"}, "an agent starts no run"
    assert taken["controller"] == {"STREST_AUTH_TOKEN": "auth-token", "STREST_CONTROL_AUTH_TOKEN": "control-auth-token"}


def test_one_controller_and_agents_with_names_of_their_own(objects):
    controller, agent = objects["Deployment", "strest-controller"]["spec"], objects["Deployment", "strest-agent"]["spec"]
    assert controller["replicas"] == 1 and controller["strategy"] == {"type": "Recreate"} and agent["replicas"] == 2
    made = agent["template"]["spec"]["containers"][0]
    assert "--agent-id=$(POD_NAME)" in made["args"]
    assert {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}} in made["env"]


def test_a_pod_has_no_rights_that_it_does_not_need(deployment):
    """The level "restricted" of the Pod Security Standards, and a root that nobody writes to."""
    of_pod, own = pod(deployment)["securityContext"], container(deployment)["securityContext"]
    assert of_pod["runAsNonRoot"] is True and of_pod["runAsUser"] > 0 and of_pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert own == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    assert {one["name"] for one in of_pod.get("sysctls", [])} <= {"net.ipv4.ip_local_port_range"}, "the safe ones"
    assert pod(deployment)["automountServiceAccountToken"] is False
    assert pod(deployment)["terminationGracePeriodSeconds"] == 45
    resources = container(deployment)["resources"]
    assert set(resources["limits"]) == {"memory"} and set(resources["requests"]) == {"cpu", "memory"}
    mounts = {mount["name"]: mount["mountPath"] for mount in container(deployment)["volumeMounts"]}
    assert set(mounts.values()) == {"/tmp", "/var/lib/strest"}
    assert set(mounts) == {volume["name"] for volume in pod(deployment)["volumes"]}


# ---- what strest says to it ----

def command(deployment):
    """The arguments and tokens as the pod has them."""
    made = container(deployment)
    env = {one["name"]: one.get("value", "from-somewhere") for one in made["env"]}
    return [re.sub(r"\$\((\w+)\)", lambda m: env[m[1]], arg) for arg in made["args"]], env


def test_strest_takes_the_arguments(strest, deployment, tmp_path):
    args, env = command(deployment)
    finished = strest.run(*args, "--print-config", env=env, prepare=lambda: os.chdir(tmp_path))
    assert finished.code == 0 and finished.err == "", finished
    checked = strest.run(*args, "--install-service", "--service-dry-run", env=env, prepare=lambda: os.chdir(tmp_path))
    assert checked.code == 0 and [line for line in checked.out.splitlines() if line.startswith("ExecStart=")][0].endswith(" ".join(args)), checked
    written = finished.out.replace("\n", " ")
    for word in ("0.0.0.0:9009", "127.0.0.1:9010") if args[0].startswith("--controller") else ("strest-controller:9009", "from-somewhere"):
        assert word in written, finished


def test_without_the_secret_the_controller_is_refused(strest, objects):
    args, env = command(objects["Deployment", "strest-controller"])
    says(strest.run(*args, "--install-service", "--service-dry-run"), 1, "--auth-token")
    assert env["STREST_AUTH_TOKEN"]


# ---- the image ----

@pytest.fixture(scope="module")
def image():
    """The last stage of the Containerfile, as one line an instruction."""
    text = re.sub(r"\\\n\s*", "", (ROOT / "Containerfile").read_text())
    return [line for line in text.split("\nFROM ")[-1].splitlines() if line]


def test_the_image_fits_the_manifests(image, deployment):
    assert image[0] == "debian:12-slim" and 'ENTRYPOINT ["strest"]' in image
    wanted = pod(deployment)["securityContext"]
    assert f"USER {wanted['runAsUser']}:{wanted['runAsGroup']}" in image, "a number: runAsNonRoot cannot tell who a name is"
    home = [line.split("=")[1] for line in image if line.startswith("ENV HOME=")][0]
    assert home in [mount["mountPath"] for mount in container(deployment)["volumeMounts"]]


def packages_of(line):
    return [word for word in line.split("--no-install-recommends")[1].split("&&")[0].split()]


def closure(names):
    """The packages with all that they depend on, of those that are installed here."""
    seen, wanted = set(), list(names)
    while wanted:
        name = wanted.pop()
        if name in seen:
            continue
        seen.add(name)
        said = subprocess.run(["dpkg-query", "-W", "-f", "${Depends}, ${Pre-Depends}", name], capture_output=True, text=True)
        wanted += [re.split(r"[ :(]", one.strip())[0] for part in said.stdout.split(",") for one in part.split("|") if one.strip()]
    return seen


def test_the_image_has_all_libraries(image):
    need("dpkg-query", "dpkg", "ldd", "readelf")
    install = [line for line in image if line.startswith("RUN apt-get")][0]
    said = subprocess.run(["readelf", "-d", BINARY], capture_output=True, text=True, check=True)
    named = {name for name in re.findall(r"NEEDED.*\[(.*)\]", said.stdout) if not re.match(r"lib(asan|tsan|ubsan|lsan)\b|ld-linux", name)}
    assert "libssl.so.3" in named
    found = dict(re.findall(r"(\S+) => (/\S+)", subprocess.run(["ldd", BINARY], capture_output=True, text=True, check=True).stdout))
    there = closure(packages_of(install))
    for name in sorted(named):
        paths = {found[name], os.path.realpath(found[name]), os.path.realpath(found[name]).removeprefix("/usr")}
        owners = [subprocess.run(["dpkg", "-S", path], capture_output=True, text=True).stdout.split(":")[0] for path in paths]
        assert there & set(filter(None, owners)), (name, owners)
    for package in packages_of(install):
        if package in ("ca-certificates", "fonts-dejavu-core"):
            continue
        assert subprocess.run(["dpkg-query", "-W", package], capture_output=True).returncode == 0, f"{package} is no package of a machine that strest was built on"


def test_the_registry_is_a_place_holder(deployment):
    """example.com belongs to nobody (RFC 2606): who forgets to write an image of their own pulls none of a stranger."""
    assert container(deployment)["image"].split("/")[0].endswith("example.com")
