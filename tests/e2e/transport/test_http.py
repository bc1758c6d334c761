"""Messages reach an HTTP server as configured, and its answers are outcomes."""

import json
import threading
from collections import Counter

import pytest

from support.backends.server import Answer


@pytest.mark.smoke
def test_requests_match_the_fleet_file_and_each_is_a_row(fleet, serve):
    server = serve()
    fleet.environment["API_TOKEN"] = "t0ken"
    channels = {
        "telemetry": {
            "method": "PUT",
            "path": "/v1/{group}/{index}/{device}?fleet={fleet}",
            "headers": {"authorization": "Bearer ${API_TOKEN}", "x-device": "{device}"},
        }
    }
    fleet.server(server.url + "/api", channels=channels, headers={"x-all": "yes"})
    fleet.group(count=4, every="200ms")
    run = fleet.run(duration="1s")

    assert run.log.outcomes() == {"acked": 20}
    assert len(server.requests) == 20
    by_device = {}
    for request in server.requests:
        device = request.headers["x-device"]
        by_device.setdefault(device, []).append(request.body)
        index = int(device[-5:])
        assert request.method == "PUT"
        assert request.path == f"/api/v1/thermometer/{index}/{device}?fleet=test"
        assert request.headers["authorization"] == "Bearer t0ken"
        assert request.headers["x-all"] == "yes"
        assert request.headers["content-type"] == "application/json"
        assert json.loads(request.body)["device"] == device
    assert by_device == run.log.payloads()
    assert run.log.rows("SELECT DISTINCT protocol, destination, code FROM sends") == [
        ("http", server.url + "/api", 204)
    ]
    topics = run.log.column("SELECT DISTINCT topic FROM sends WHERE device_id LIKE '%3'")
    assert len(topics) == 1 and topics[0].startswith("PUT /v1/thermometer/3/thermometer-00003")
    assert "t0ken" not in run.process.report()
    run.log.assert_sound()


def test_values_of_the_environment_are_in_no_row(fleet, serve):
    server = serve(answer=lambda request: Answer(204 if "thermometer" in request.path else 503))
    fleet.environment["TOK"] = "s3cret"
    channels = {"telemetry": {"path": "/in/${TOK}/{device}?key=${TOK}"}}
    fault = {"kind": "wrong-topic", "topic": "/lost/${TOK}", "probability": "20%"}
    fleet.server(server.url, channels=channels).group(count=5, every="100ms", faults=[fault])
    run = fleet.run(duration="1s")
    paths = {request.path for request in server.requests}
    assert "/in/s3cret/thermometer-00000?key=s3cret" in paths and "/lost/s3cret" in paths
    topics = set(run.log.column("SELECT DISTINCT topic FROM sends"))
    own = {f"POST /in/${{TOK}}/thermometer-0000{index}?key=${{TOK}}" for index in range(5)}
    assert topics == own | {"POST /lost/${TOK}"}
    assert "s3cret" not in run.process.report()
    for file in fleet.store.rglob("*"):
        assert file.is_dir() or b"s3cret" not in file.read_bytes(), file


def test_status_2xx_confirms_and_every_other_status_fails(fleet, serve):
    statuses = [200, 201, 202, 204, 400, 401, 404, 429, 500, 503]
    server = serve(answer=lambda request: Answer(statuses[int(request.path[1:])]))
    fleet.server(server.url, channels={"telemetry": {"path": "/{index}"}})
    fleet.group(count=len(statuses), every="500ms")
    run = fleet.run(duration="1s")
    found = run.log.rows("SELECT DISTINCT device_id, outcome, code FROM sends ORDER BY device_id")
    assert [(outcome, code) for _, outcome, code in found] == [
        ("acked" if code < 300 else "failed", code) for code in statuses
    ]
    errors = run.log.column("SELECT DISTINCT error FROM sends WHERE code = 503")
    assert errors == ["the server answered 503 Service Unavailable"]
    assert run.counted("failed") == 12 and run.counted("acked") == 8
    run.log.assert_sound()


def test_repeated_failure_is_reported_once_and_counted(fleet, serve):
    server = serve(answer=lambda request: Answer(500))
    fleet.server(server.url).group(count=10, every="100ms")
    run = fleet.run(duration="1s", expect=1)
    assert run.log.outcomes() == {"failed": 100}
    assert run.stderr.count("500 Internal Server Error") == 1
    (notice,) = run.notices("500 Internal Server Error")
    assert notice["times"] == 100


def test_connection_reset_fails_the_message_with_its_reason(fleet, serve):
    def answer(request):
        return Answer(reset=True) if request.path == "/1" else Answer()

    server = serve(answer=answer)
    fleet.server(server.url, channels={"telemetry": {"path": "/{index}"}})
    fleet.group(count=3, every="500ms")
    run = fleet.run(duration="1s")
    assert run.log.outcomes() == {"acked": 4, "failed": 2}
    rows = run.log.rows("SELECT DISTINCT device_id, code FROM sends WHERE outcome = 'failed'")
    assert rows == [("thermometer-00001", None)]
    for error in run.log.column("SELECT error FROM sends WHERE outcome = 'failed'"):
        assert "the connection was lost before the answer" in error
    run.log.assert_sound()


def test_closed_port_fails_every_message_and_the_run_continues(fleet, serve):
    server = serve()
    url = server.url
    server.close()
    fleet.server(url).group(count=3, every="250ms")
    run = fleet.run(duration="1s", expect=1)
    assert run.log.outcomes() == {"failed": 12}
    assert run.log.count("error LIKE 'no connection: %'") == 12
    assert run.log.count("sent_at IS NOT NULL") == 0


def test_answer_after_the_timeout_is_a_failure(fleet, serve):
    over = threading.Event()
    server = serve(answer=lambda request: Answer(after=over if request.path == "/slow/0" else None))
    channels = {"telemetry": {"path": "/slow/{index}", "timeout": "300ms"}}
    fleet.server(server.url, channels=channels).group(count=2, every="1s")
    run = fleet.run(duration="1s")
    over.set()
    rows = run.log.rows("SELECT device_id, outcome, error FROM sends ORDER BY device_id")
    assert rows == [
        ("thermometer-00000", "failed", "no answer within 0.3 s (timeout)"),
        ("thermometer-00001", "acked", None),
    ]


def test_unanswered_message_at_the_end_is_unconfirmed(fleet, silent_server):
    fleet.server(silent_server.url, timeout="1h").group(count=2, every="1h")
    process = fleet.start()
    silent_server.wait_for(2)
    process.interrupt()
    run = fleet.end(process, expect=130)
    assert run.log.outcomes() == {"unconfirmed": 2}
    assert run.log.count("sent_at IS NULL") == 0
    assert run.counted("unconfirmed") == 2


def test_redirect_to_another_host_is_not_followed(fleet, serve):
    elsewhere = serve()
    server = serve(
        answer=lambda request: Answer(307, headers={"location": elsewhere.url + "/other"})
    )
    fleet.server(server.url).group(count=2)
    run = fleet.run(duration="1s", expect=1)
    assert len(server.requests) == 2
    assert elsewhere.requests == []
    assert run.log.rows("SELECT DISTINCT outcome, code FROM sends") == [("failed", 307)]
    (error,) = run.log.column("SELECT DISTINCT error FROM sends")
    assert f"redirects (307 Temporary Redirect) to {elsewhere.url}" in error


def test_redirect_within_the_server_keeps_method_and_body(fleet, serve):
    def answer(request):
        if request.path == "/new":
            return Answer()
        return Answer(308, headers={"location": "/new"})

    server = serve(answer=answer)
    fleet.server(server.url).group(count=2)
    run = fleet.run(duration="1s")
    assert run.log.outcomes() == {"acked": 2}
    assert Counter(request.method for request in server.requests) == {"POST": 4}
    bodies = sorted(request.body for request in server.requests if request.path == "/new")
    assert bodies == sorted(payload for [payload] in run.log.payloads().values())


def test_redirect_from_post_to_get_is_not_followed(fleet, serve):
    server = serve(answer=lambda request: Answer(302, headers={"location": "/new"}))
    fleet.server(server.url).group(count=1)
    run = fleet.run(duration="1s", expect=1)
    assert [request.method for request in server.requests] == ["POST"]
    assert run.log.rows("SELECT outcome, code FROM sends") == [("failed", 302)]


def test_connections_are_reused(fleet, serve):
    server = serve()
    fleet.server(server.url).group(count=2, every="20ms", start="spread")
    run = fleet.run("--workers", "1", duration="2s")
    assert run.log.outcomes() == {"acked": run.counted()}
    assert run.counted() >= 198
    # One a device that has a request on its way, however many requests there are.
    assert server.connections <= 2


@pytest.mark.parametrize(
    ("status", "keys"), [(200, {}), (202, {}), (409, {"error_downlink": True})]
)
def test_answer_body_is_a_message_to_the_device(fleet, serve, status, keys):
    told = []

    def answer(request):
        if request.path == "/telemetry" and not told:
            told.append(request)
            return Answer(status, b'{"do": "stop"}', {"content-type": "application/json"})
        return Answer()

    server = serve(answer=answer)
    channels = {name: {"path": f"/{name}"} for name in ("telemetry", "reply")}
    fleet.server(server.url, channels=channels, **keys)
    fleet.group("vehicle", "builtin:vehicle", count=1, every="200ms", config={"park-chance": 0.0})
    run = fleet.run(duration="1s")
    event = f"telemetry: 14 bytes, status {status}"
    assert run.log.events("received") == [("vehicle-00000", event)]
    (reply,) = (request for request in server.requests if request.path == "/reply")
    answered = json.loads(reply.body)
    assert (answered["ok"], answered["do"], answered["status"]) == (True, "stop", "parked")
    assert run.log.count("channel = 'reply' AND outcome = 'acked'") == 1


@pytest.mark.parametrize("status", [301, 409, 500, 503])
def test_body_of_a_refusal_is_no_message_to_the_device(fleet, serve, status):
    headers = {"content-type": "application/json", "location": "/elsewhere"}
    server = serve(answer=lambda request: Answer(status, b'{"do": "stop"}', headers))
    channels = {name: {"path": f"/{name}"} for name in ("telemetry", "reply")}
    fleet.server(server.url, channels=channels)
    fleet.group("vehicle", "builtin:vehicle", count=1, every="200ms", config={"park-chance": 0.0})
    run = fleet.run(duration="1s", expect=1)
    assert run.log.events("received") == []
    assert run.summary["received"] == 0
    assert run.log.outcomes() == {"failed": run.counted()}
    assert {request.path for request in server.requests} == {"/telemetry"}


def test_body_above_the_limit_is_no_message_to_the_device(fleet, serve):
    server = serve(answer=lambda request: Answer(200, b'{"do": "stop"}' + b" " * (2 << 20)))
    channels = {name: {"path": f"/{name}"} for name in ("telemetry", "reply")}
    fleet.server(server.url, channels=channels)
    fleet.group("vehicle", "builtin:vehicle", count=1, every="1s", config={"park-chance": 0.0})
    run = fleet.run(duration="1s")
    assert run.log.events("received") == []
    assert run.notices("a response is above 1 MiB; it is no message to the device")


def test_answer_to_a_plugin_without_events_is_discarded(fleet, serve):
    server = serve(answer=lambda request: Answer(200, b"hello"))
    fleet.server(server.url).group(count=2)
    run = fleet.run(duration="1s")
    assert run.log.events("received") == []
    assert run.summary["received"] == 0


def test_server_certificate_of_the_ca_file_is_trusted(fleet, serve, authority):
    server = serve(tls=authority.server())
    fleet.server(server.url, tls={"ca": str(authority.file)}).group(count=4, every="250ms")
    run = fleet.run(duration="1s")
    assert run.log.outcomes() == {"acked": 16}
    assert len(server.requests) == 16


def test_server_gets_the_client_certificate(fleet, serve, authority):
    server = serve(tls=authority.server(), client_certificates=True)
    client = authority.client()
    tls = {"ca": str(authority.file), "cert": str(client.cert), "key": str(client.key)}
    fleet.server(server.url, tls=tls).group(count=4)
    run = fleet.run(duration="1s")
    assert run.log.outcomes() == {"acked": 4}


@pytest.mark.parametrize("wrong", ["no client certificate", "another CA"])
def test_wrong_certificates_stop_every_message(fleet, serve, authority, tmp_path, wrong):
    server = serve(tls=authority.server(), client_certificates=wrong != "another CA")
    ca = authority.file
    if wrong == "another CA":
        ca = type(authority)(tmp_path / "stranger", "stranger").file
    fleet.server(server.url, tls={"ca": str(ca)}).group(count=2)
    run = fleet.run(duration="1s", expect=1)
    assert run.log.outcomes() == {"failed": 2}
    assert server.requests == []
    way_out = "tls.ca" if wrong == "another CA" else "tls.cert and tls.key"
    for error in run.log.column("SELECT error FROM sends"):
        assert way_out in error and "Alert" not in error, error
