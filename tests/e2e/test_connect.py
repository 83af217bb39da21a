"""Where connections go and where they come from: --connect-to, --unix-socket, --ipv4, --ipv6, --no-pre-lookup, --bind."""

import collections
import resource
import signal
import socket
import time

import pytest

from certificates import over_tls
from conftest import check_result, group, reasons, says
from servers import always, answer, free_port, wait_for

ONE = ["-m", "1", "--requests", "5", "-t", "20s"]
FEW = ["-m", "4", "-r", "4", "--requests", "40", "-t", "20s"]
USAGE, CONFIG, UNREACHABLE = 2, 1, 3


@pytest.fixture
def server(scripted):
    """A server that notes everything."""
    return scripted(always(answer()))


# ---- --connect-to


@pytest.mark.option("connect-to")
def test_connect_to_leads_elsewhere_and_host_stays(strest, server):
    result = strest.measure("-u", "http://nowhere.test/x", "--connect-to", f"nowhere.test:80:127.0.0.1:{server.port}", *ONE)
    assert result["books"]["ok"] == 5 == server.counted
    assert {(request.path, *request.values("Host")) for request in server.requests} == {("/x", "nowhere.test")}
    assert group(result, "address")["name"] == f"127.0.0.1:{server.port}"


@pytest.mark.option("connect-to")
def test_connect_to_keeps_the_port_in_host(strest, server):
    strest.measure("-u", "http://nowhere.test:8080/", "--connect-to", f"nowhere.test:8080:127.0.0.1:{server.port}", *ONE)
    assert {request.values("Host")[0] for request in server.requests} == {"nowhere.test:8080"}


@pytest.mark.option("connect-to")
def test_connect_to_keeps_name_and_certificate(strest, tls_nginx, made):
    server = tls_nginx(made.root.issue("nowhere.test", hosts="DNS:nowhere.test"))
    to = ["--connect-to", f"nowhere.test:443:localhost:{server.port}", "--cacert", made.root.cert]
    result = strest.measure("-u", "https://nowhere.test/", *to, *ONE)
    assert result["books"]["ok"] == 5 == len(server.lines())
    assert {line[3] for line in server.lines()} == {"nowhere.test"}, "SNI"
    wrong = strest.measure("-u", f"https://localhost:{server.port}/", "--cacert", made.root.cert, *ONE, code=UNREACHABLE)
    assert set(reasons(wrong)) == {"tls/certificate_host"}


@pytest.mark.option("connect-to")
def test_connect_to_takes_ipv6_in_brackets_on_both_sides(strest, scripted, ipv6):
    server = scripted(always(answer()), hosts=("::1",))
    result = strest.measure("-u", "http://[2001:db8::1]:81/", "--connect-to", f"[2001:db8::1]:81:[::1]:{server.port}", *ONE)
    assert result["books"]["ok"] == 5
    assert {request.values("Host")[0] for request in server.requests} == {"[2001:db8::1]:81"}


@pytest.mark.option("connect-to")
def test_the_first_connect_to_that_matches_counts(strest, scripted):
    first, second = scripted(always(answer())), scripted(always(answer()))
    strest.measure("-u", "http://a.test/", *ONE, "--connect-to", f"b.test:80:127.0.0.1:{second.port}", "--connect-to", f"a.test:81:127.0.0.1:{second.port}",
                   "--connect-to", f"a.test:80:127.0.0.1:{first.port}", "--connect-to", f"a.test:80:127.0.0.1:{second.port}")
    assert (first.counted, second.counted) == (5, 0)


@pytest.mark.option("connect-to")
def test_connect_to_may_stand_in_a_file(strest, server, tmp_path):
    path = tmp_path / "run.toml"
    path.write_text(f'url = "http://a.test/"\nconnect_to = ["a.test:80:127.0.0.1:{server.port}"]\n')
    assert strest.measure("--config", path, *ONE)["books"]["ok"] == 5 == server.counted


@pytest.mark.option("connect-to")
@pytest.mark.parametrize("text", ["", "a", "a:80", "a:80:b", "a:80:b:", "a:80::81", ":80:b:81", "a:0:b:81", "a:80:b:65536", "a:80:b:x", "a:80:b:81:c", "::1:80:b:81",
                                  "[::1:80:b:81", "a:80:[b]:81:"])
def test_a_bad_connect_to_is_refused(strest, server, text):
    says(strest.run("-u", server.url, "--connect-to", text), USAGE, "--connect-to", f"'{text}'", "write")
    assert server.peers == []


# ---- --unix-socket


@pytest.fixture
def unix_nginx(nginx_with):
    """An nginx on a Unix socket (and on a port, to see it come up); .path is the socket."""
    server = nginx_with('server { listen 127.0.0.1:PORT; listen unix:FOLDER/web.sock; location / { return 200 "ok\\n"; } }')
    server.path = f"{server.folder}/web.sock"
    return server


@pytest.mark.option("unix-socket")
def test_a_unix_socket_is_loaded_whatever_the_host(strest, unix_nginx):
    result = strest.measure("-u", "http://nowhere.test/a?b", "--unix-socket", unix_nginx.path, *FEW)
    assert result["books"]["ok"] == 40 == len(unix_nginx.lines())
    assert {(line["request"], line["host"], line["client"]) for line in unix_nginx.lines()} == {("GET /a?b HTTP/1.1", "nowhere.test", "unix:")}
    assert result["connections"]["opened"] == len({line["connection"] for line in unix_nginx.lines()}) == 4
    assert result["run"]["unix_socket"] == unix_nginx.path
    assert group(result, "address")["name"] == f"unix:{unix_nginx.path}"


@pytest.mark.option("unix-socket")
def test_the_summary_names_the_unix_socket(strest, unix_nginx):
    finished = strest.run("-u", "http://nowhere.test/", "--unix-socket", unix_nginx.path, *ONE)
    assert finished.code == 0 and unix_nginx.path in finished.out, finished


@pytest.mark.option("unix-socket")
@pytest.mark.parametrize("load", [["--rate", "100", "-t", "500ms"], ["--disable-keepalive", "--requests", "50"], ["--threads", "2", "-r", "8", "--requests", "50"]])
def test_a_unix_socket_takes_every_kind_of_load(strest, unix_nginx, load):
    result = strest.measure("-u", "http://nowhere.test/", "--unix-socket", unix_nginx.path, "-m", "8", *load)
    assert result["books"]["ok"] == 50 == len(unix_nginx.lines())
    assert result["errors"] == {}


@pytest.mark.option("unix-socket")
def test_a_missing_unix_socket_is_said(strest, tmp_path):
    result = strest.measure("-u", "http://a.test/", "--unix-socket", tmp_path / "none.sock", *ONE, code=UNREACHABLE)
    assert set(reasons(result)) == {"connect/no_socket"}
    says(strest.run("-u", "http://a.test/", "--unix-socket", tmp_path / "none.sock", *ONE), UNREACHABLE, "Unix socket")


@pytest.mark.option("unix-socket")
def test_a_unix_socket_that_nobody_listens_on_is_said(strest, tmp_path):
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "left.sock"))
    result = strest.measure("-u", "http://a.test/", "--unix-socket", tmp_path / "left.sock", *ONE, code=UNREACHABLE)
    assert set(reasons(result)) == {"connect/no_socket"}


@pytest.mark.option("unix-socket")
@pytest.mark.parametrize(
    "words, code, said",
    [
        (["-u", "https://a.test/", "--unix-socket", "/tmp/x.sock"], CONFIG, ["--unix-socket", "http://"]),
        (["-u", "http://a.test/", "--unix-socket", ""], CONFIG, ["--unix-socket"]),
        (["-u", "http://a.test/", "--unix-socket", "/" + "x" * 200], CONFIG, ["--unix-socket", "107"]),
        (["-u", "http://a.test/", "--unix-socket", "/tmp/x", "--connect-to", "a.test:80:b:80"], USAGE, ["--unix-socket", "--connect-to"]),
        (["-u", "http://a.test/", "--unix-socket", "/tmp/x", "--proxy", "http://127.0.0.1:9"], USAGE, ["--unix-socket", "--proxy"]),
        (["-u", "http://a.test/", "--unix-socket", "/tmp/x", "--bind", "127.0.0.1"], USAGE, ["--unix-socket", "--bind"]),
        (["-u", "http://a.test/", "--unix-socket", "/tmp/x", "--ipv4"], USAGE, ["--unix-socket", "--ipv4"]),
    ],
)
def test_a_unix_socket_that_cannot_be_is_refused(strest, words, code, said):
    says(strest.run(*words), code, *said)


@pytest.mark.option("unix-socket")
def test_a_unix_socket_is_not_reached_by_the_environments_proxy(strest, unix_nginx, server):
    result = strest.measure("-u", "http://nowhere.test/", "--unix-socket", unix_nginx.path, *ONE, env={"HTTP_PROXY": server.url})
    assert result["books"]["ok"] == 5 == len(unix_nginx.lines())
    assert server.counted == 0 and result["run"]["proxy"] is None


# ---- --ipv4, --ipv6


@pytest.mark.option("ipv4", "ipv6")
@pytest.mark.parametrize("flag, addresses", [("--ipv4", {"127.0.0.1"}), ("--ipv6", {"::1"}), (None, {"127.0.0.1", "::1"})])
def test_only_addresses_of_the_family_are_connected_to(strest, scripted, names, ipv6, flag, addresses):
    server = scripted(always(answer()), hosts=("127.0.0.1", "::1"))
    words = [flag] if flag else []
    result = strest.measure("-u", f"http://both.test:{server.port}/", *FEW, *words, prefix=names({"both.test": ["127.0.0.1", "::1"]}))
    assert result["books"]["ok"] == 40 == server.counted
    assert {request.client for request in server.requests} == addresses
    assert len(result["connections"]["per_address"]) == len(addresses)


@pytest.mark.option("ipv4", "ipv6")
@pytest.mark.parametrize("flag, host", [("--ipv6", "127.0.0.1"), ("--ipv4", "[::1]"), ("--ipv6", "four.test"), ("--ipv4", "six.test")])
def test_a_target_without_an_address_of_the_family_is_said(strest, names, flag, host):
    finished = strest.run("-u", f"http://{host}:9/", flag, *ONE, prefix=names({"four.test": ["127.0.0.1"], "six.test": ["2001:db8::1"]}))
    says(finished, UNREACHABLE, f"'{host.strip('[]')}'", flag)


@pytest.mark.option("ipv4", "ipv6")
def test_both_families_exclude_each_other(strest, tmp_path):
    says(strest.run("-u", "http://127.0.0.1:9/", "--ipv4", "--ipv6"), USAGE, "--ipv4", "--ipv6")
    path = tmp_path / "run.toml"
    path.write_text('url = "http://127.0.0.1:9/"\nipv4 = true\nipv6 = true\n')
    says(strest.run("--config", path), CONFIG, "ipv4", "ipv6")


@pytest.mark.option("ipv4")
def test_a_family_counts_for_the_proxys_address(strest, scripted, names, ipv6):
    by = scripted(always(answer()), hosts=("127.0.0.1", "::1"))
    strest.measure("-u", "http://target.test/", "-p", f"http://both.test:{by.port}", "--ipv4", *FEW, prefix=names({"both.test": ["127.0.0.1", "::1"]}))
    assert by.counted == 40
    assert {request.client for request in by.requests} == {"127.0.0.1"}


# ---- --no-pre-lookup


@pytest.mark.option("no-pre-lookup")
def test_a_name_is_looked_up_in_the_run_and_its_time_is_part_of_the_request(strest, server, names):
    words = ["-u", f"http://one.test:{server.port}/", *FEW]
    result = strest.measure(*words, "--no-pre-lookup", prefix=names({"one.test": ["127.0.0.1"]}))
    assert result["books"]["ok"] == 40 == server.counted
    assert result["parts_ns"]["dns"]["max"] > 0
    assert server.requests[0].values("Host") == [f"one.test:{server.port}"]
    assert strest.measure(*words, prefix=names({"one.test": ["127.0.0.1"]}))["parts_ns"]["dns"]["max"] == 0


@pytest.mark.option("no-pre-lookup")
@pytest.mark.parametrize("load", [["--rate", "100", "-t", "500ms", "-m", "8"], ["--threads", "3", "-m", "6", "-r", "6", "--requests", "50"]])
def test_several_connections_wait_for_one_name(strest, server, names, load):
    result = strest.measure("-u", f"http://one.test:{server.port}/", "--no-pre-lookup", *load, prefix=names({"one.test": ["127.0.0.1", "127.0.0.1"]}))
    assert result["errors"] == {} and result["books"]["ok"] == 50 == server.counted


@pytest.mark.option("no-pre-lookup")
def test_a_name_without_address_fails_in_the_run(strest):
    result = strest.measure("-u", "http://no-such-host.invalid/", "--no-pre-lookup", "-m", "1", "--requests", "2", "-t", "5s", "--connect-timeout", "2s",
                            code=UNREACHABLE)
    assert set(reasons(result)) <= {"connect/dns", "timeout/connect"}
    assert result["books"]["ok"] == 0


@pytest.mark.option("no-pre-lookup")
def test_a_name_that_hosts_denies_is_dns(strest, names):
    """Of names in /etc/hosts only one family is known: the other one has no address, whatever a name server would say."""
    result = strest.measure("-u", "http://six.test:9/", "--no-pre-lookup", "--ipv4", *ONE, "--connect-timeout", "3s", prefix=names({"six.test": ["2001:db8::1"]}),
                            code=UNREACHABLE)
    assert set(reasons(result)) == {"connect/dns"}


# ---- --bind


def clients(server):
    """{address: connections} as the server saw them."""
    return collections.Counter(peer.client for peer in server.peers)


@pytest.mark.option("bind")
def test_connections_come_from_the_address_of_bind(strest, server):
    result = strest.measure("-u", server.url, "--bind", "127.0.0.9", *FEW)
    assert result["books"]["ok"] == 40
    assert clients(server) == {"127.0.0.9": 4}
    assert result["run"]["sources"] == 1


@pytest.mark.option("bind")
@pytest.mark.parametrize(
    "words",
    [["--bind", "127.0.1.1,127.0.1.2,127.0.1.3"], ["--bind", "127.0.1.1", "--bind", "127.0.1.2,127.0.1.3"], ["--bind", "127.0.1.1,127.0.1.2/31"]],
)
def test_connections_come_from_several_addresses_in_turn(strest, server, words):
    result = strest.measure("-u", server.url, *words, "--disable-keepalive", "-m", "1", "--requests", "30", "-t", "20s")
    assert result["books"]["ok"] == 30
    assert clients(server) == {"127.0.1.1": 10, "127.0.1.2": 10, "127.0.1.3": 10}
    assert result["run"]["sources"] == 3


@pytest.mark.option("bind")
@pytest.mark.parametrize("threads", [1, 3])
def test_connections_come_from_all_addresses_of_a_block(strest, server, threads):
    result = strest.measure("-u", server.url, "--bind", "127.0.1.0/28", "--threads", threads, "-m", "42", "--preconnect", "42", "--rate", "100", "-t", "500ms")
    assert result["connections"]["opened"] == 42
    assert set(clients(server)) == {f"127.0.1.{i}" for i in range(1, 15)}, "not the first and the last address of the block"
    assert max(clients(server).values()) - min(clients(server).values()) <= threads
    assert result["run"]["sources"] == 14


@pytest.mark.option("bind")
def test_ipv6_connections_come_from_an_ipv6_address(strest, scripted, ipv6):
    server = scripted(always(answer()), hosts=("::1",))
    strest.measure("-u", server.url, "--bind", "127.0.0.9,::1", *FEW)
    assert clients(server) == {"::1": 4}


@pytest.mark.option("bind")
def test_an_address_of_the_target_without_a_source_of_its_family_is_passed_by(strest, scripted, names, ipv6):
    server = scripted(always(answer()), hosts=("127.0.0.1", "::1"))
    result = strest.measure("-u", f"http://both.test:{server.port}/", "--bind", "127.0.0.9", *FEW, prefix=names({"both.test": ["127.0.0.1", "::1"]}))
    assert result["books"]["ok"] == 40
    assert set(clients(server)) == {"127.0.0.9"}


@pytest.mark.option("bind")
def test_no_source_of_the_targets_family_is_said(strest, server, ipv6):
    finished = strest.run("-u", server.url, "--bind", "::1", *ONE)
    assert finished.code in (CONFIG, UNREACHABLE), finished
    says(finished, finished.code, "--bind")
    assert server.peers == []


@pytest.mark.option("bind")
def test_an_address_of_another_machine_is_said(strest, server):
    says(strest.run("-u", server.url, "--bind", "192.0.2.1", *ONE), CONFIG, "--bind", "192.0.2.1")
    assert server.peers == []


@pytest.mark.option("bind")
@pytest.mark.parametrize("text", ["", "localhost", "127.0.0.256", "127.0.0.1:80", "127.0.0.1,", ",127.0.0.1", "127.0.0.1/33", "127.0.0.1/24", "127.0.0.0/x", "::g",
                                  "127.0.0.1 ,127.0.0.2"])
def test_a_bad_bind_is_refused(strest, server, text):
    says(strest.run("-u", server.url, "--bind", text), USAGE, "--bind")
    assert server.peers == []


@pytest.mark.option("bind")
def test_the_summary_counts_the_local_addresses(strest, server):
    finished = strest.run("-u", server.url, "--bind", "127.0.1.1,127.0.1.2,127.0.1.3", *FEW)
    assert finished.code == 0 and "3 local addresses" in finished.out, finished


@pytest.mark.option("bind")
def test_bind_counts_for_the_connections_to_a_proxy(strest, scripted):
    by = scripted(always(answer()))
    strest.measure("-u", "http://target.test/", "-p", by.url, "--bind", "127.0.0.9", *FEW)
    assert clients(by) == {"127.0.0.9": 4}


# ---- many connections


@pytest.fixture
def descriptors():
    """descriptors(n) raises the limit of open files for this test and all that it starts, as far as it may, and returns it."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)

    def rise(wanted):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(wanted, before[1])))
            return wanted
        except (ValueError, PermissionError):  # beyond the hard limit only with CAP_SYS_RESOURCE, and never beyond fs.nr_open
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, before[1]), before[1]))
            return min(wanted, before[1])

    yield rise
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def established(port):
    """{local address: connections} of the connections to this port of 127.0.0.1, as the kernel has them."""
    counts = collections.Counter()
    with open("/proc/net/tcp") as f:
        for line in list(f)[1:]:
            _, local, remote, state, *_ = line.split()
            if state == "01" and remote == f"0100007F:{port:04X}":
                counts[socket.inet_ntoa(bytes.fromhex(local[:8])[::-1])] += 1
    return counts


@pytest.mark.slow
@pytest.mark.option("bind")
def test_40_000_connections_to_one_port_by_several_addresses(strest, target, descriptors, record_property):
    """More than one address has ports for; fewer if this machine's limit of open files ends it before."""
    count = min(40_000, descriptors(41_000) - 200)
    record_property("connections", count)
    server = target("--threads", "2")
    run = strest.start("--json", "-u", server.url + "/delay/5s", "--bind", "127.0.1.0/28", "-m", count, "-r", "1000", "-t", "150s", "--connect-timeout", "60s",
                       "--timeout", "60s", "--threads", "2")
    wait_for(lambda: established(server.port).total() == count, 140, f"{count} connections at once")
    seen = established(server.port)
    run.signal(signal.SIGINT)
    result = check_result(run.wait(220))
    assert result["connections"]["opened"] == server.record.connections == count
    assert result["connections"]["connect_failed"] == 0 and result["errors"] == {}
    assert result["books"]["ok"] >= count
    assert set(seen) == {f"127.0.1.{i}" for i in range(1, 15)}
    assert max(seen.values()) - min(seen.values()) < count / 140, "in turn, as far as a table can be read that changes"


@pytest.mark.option("bind")
def test_at_the_limit_of_ports_bind_is_named_and_helps(strest, narrow):
    """One address has as many connections to one port as this machine has local ports: here 20."""
    server = narrow(20)
    words = ["-u", server.url + "/delay/200ms", "-m", "50", "-r", "50", "-t", "1s"]
    short = strest.measure(*words, prefix=server.prefix)
    assert short["errors"]["connect"]["no_local_port"] > 0
    cause = next(cause for cause in short["verdict"]["causes"] if cause["name"] == "ports")
    assert "--bind" in cause["text"]
    # The ports of the address that was used are not all free again for a minute: the next runs have others.
    finished = strest.run(*words, "--bind", "127.0.0.2", prefix=server.prefix)
    assert finished.code == 0 and "--bind" in finished.out, finished
    enough = strest.measure(*words, "--bind", "127.0.0.3,127.0.0.4,127.0.0.5", prefix=server.prefix)
    assert enough["errors"] == {}
    assert enough["connections"]["opened"] == 50


@pytest.mark.option("bind")
def test_at_the_limit_of_ports_of_all_addresses_it_is_no_local_port(strest, narrow):
    server = narrow(20)
    result = strest.measure("-u", server.url + "/delay/200ms", "-m", "50", "-r", "50", "-t", "1s", "--bind", "127.0.0.1,127.0.0.2", prefix=server.prefix)
    assert set(reasons(result)) == {"connect/no_local_port"}
    assert result["connections"]["opened"] == 40
    assert result["books"]["ok"] > 0


# ---- several at once


@pytest.mark.option("bind", "ipv4", "connect-to")
def test_bind_family_and_connect_to_work_together(strest, scripted, made, names, ipv6):
    server = scripted(over_tls(made.good.context(), always(answer())), hosts=("127.0.0.1", "::1"))
    result = strest.measure("-u", "https://localhost/", "--connect-to", f"localhost:443:both.test:{server.port}", "--ipv4", "--bind", "127.0.0.9",
                            "--cacert", made.root.cert, *FEW, prefix=names({"both.test": ["127.0.0.1", "::1"], "localhost": ["127.0.0.1"]}))
    assert result["books"]["ok"] == 40
    assert set(clients(server)) == {"127.0.0.9"}
    assert {request.values("Host")[0] for request in server.requests} == {"localhost"}


@pytest.mark.option("no-pre-lookup", "bind")
def test_a_target_that_moves_in_the_run_is_still_the_same_target(strest, scripted):
    """A server that is gone for a moment and comes back is found by its address again, from the same local address."""
    port = free_port()
    first = scripted(always(answer()), port=port)
    run = strest.start("--json", "-u", f"http://localhost:{port}/", "--ipv4", "--no-pre-lookup", "--bind", "127.0.0.9", "-m", "2", "-r", "2", "-t", "3s")
    wait_for(lambda: first.counted > 20)
    first.stop_listening()
    first.drop_all()
    time.sleep(0.5)
    second = scripted(always(answer()), port=port)
    finished = run.wait()
    assert finished.code == 0, finished
    assert second.counted > 0 and set(clients(second)) == {"127.0.0.9"}
