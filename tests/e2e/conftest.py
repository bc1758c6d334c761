"""Fixtures: each test gets its own servers and fleet, and all of them end with it."""

import functools
import os
import threading

import pytest

from support import rounds
from support.backends import spark as spark_session
from support.backends.broker import Broker
from support.backends.certificates import Authority
from support.backends.server import Answer, Server
from support.backends.subscriber import Subscriber
from support.fleet import BINARY, Fleet
from support.sdk_project import Project


def pytest_report_header():
    counts = "full" if rounds.LONG else "usual"
    return f"random tests: MOCKFLEET_TEST_SEED={rounds.SEED}, {counts} counts"


def pytest_ignore_collect(collection_path, config):
    """Leaves out files without a smoke test: they may import packages that are not installed."""
    if config.option.markexpr != "smoke" or not collection_path.name.startswith("test_"):
        return None
    return "pytest.mark.smoke" not in collection_path.read_text() or None


def pytest_terminal_summary(terminalreporter):
    """Appends the tests that ran again to the file that `tests/run` prints last."""
    # The workers of pytest-xdist have a summary too, which is part of the one here.
    file = os.environ.get("MOCKFLEET_RERUNS")
    if file and not hasattr(terminalreporter.config, "workerinput"):
        names = {report.nodeid for report in terminalreporter.stats.get("rerun", [])}
        with open(file, "a") as out:
            out.writelines(f"{name}\n" for name in sorted(names))


def pytest_sessionstart(session):
    if not session.config.option.collectonly and not BINARY.exists():
        pytest.exit(f"{BINARY} is missing; `./tests/run --only-e2e` builds it", returncode=2)


def pytest_collection_finish(session):
    # What is slow to start would be started by each worker, and nothing would fail.
    grouped = [item for item in session.items if item.get_closest_marker("xdist_group")]
    by_group = getattr(session.config.option, "loadgroup", False)
    if by_group and not all("@" in item.nodeid for item in grouped):
        pytest.exit("pytest-xdist does not group tests with this version of pytest", returncode=2)


@pytest.fixture
def closing():
    """Returns a function that takes a thing and closes it after the test."""
    taken = []

    def take(thing):
        taken.append(thing)
        return thing

    yield take
    for thing in reversed(taken):
        thing.close()


@pytest.fixture
def fleet(tmp_path, closing):
    folder = tmp_path / "fleet"
    folder.mkdir()
    return closing(Fleet(folder))


@pytest.fixture
def shared(fleet, broker):
    """A fleet on one connection, so that all its devices are switched on at once."""
    return fleet.broker(broker.url, qos=1, connections=1)


@pytest.fixture
def start_broker(tmp_path):
    """Starts a broker; see `Broker` for its settings."""
    brokers = []

    def start(**settings):
        broker = Broker(tmp_path / f"broker-{len(brokers)}", **settings)
        brokers.append(broker)
        return broker.start()

    yield start
    for broker in brokers:
        broker.stop()


@pytest.fixture
def broker(start_broker):
    """A broker without login."""
    return start_broker()


@pytest.fixture
def subscribe(closing):
    """Subscribes to a broker; see `Subscriber`."""
    return lambda *arguments, **settings: closing(Subscriber(*arguments, **settings))


@pytest.fixture
def serve(closing):
    """Starts an HTTP server; see `Server` for its settings."""
    return lambda **settings: closing(Server(**settings))


@pytest.fixture
def silent_server(serve):
    """An HTTP server that answers once its event `release` is set, which the test's end does."""
    release = threading.Event()
    server = serve(answer=lambda _: Answer(after=release))
    server.release = release
    yield server
    release.set()


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """The CA that signs the certificates of brokers and servers."""
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="session")
def spark(tmp_path_factory):
    """The one Spark session; its tests are of the group `spark`, so that one worker of
    pytest has all of them."""
    session = spark_session.start(tmp_path_factory.mktemp("spark"))
    yield session
    session.stop()


@pytest.fixture
def mockfleet(fleet):
    """Runs a command in the fleet's folder to its end; its exit code must be `expect`."""
    return lambda *arguments, expect=0: fleet.mockfleet(*arguments).expect(expect)


@pytest.fixture
def logs(mockfleet):
    """Runs `mockfleet logs …`."""
    return functools.partial(mockfleet, "logs")


@pytest.fixture(scope="session")
def projects(tmp_path_factory):
    """Projects by language, made at first use: one of each for all tests. Their tests are of the
    group `authors`, so that one worker of pytest has all of them."""
    made = {}

    def project(language):
        if language not in made:
            made[language] = Project(language, tmp_path_factory.mktemp(language))
            made[language].slip()
        return made[language]

    return project


@pytest.fixture(scope="session")
def built(projects):
    """The same projects, built, with the output of `build`."""
    said = {}

    def project(language):
        there = projects(language)
        if language not in said:
            said[language] = there.expect("mockfleet build")
        return there, said[language]

    return project
