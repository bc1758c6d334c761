"""The SDK for C: its own tests, and the examples of the READMEs of the SDKs for C and Zig."""

import os
import re
import subprocess
import sys

import pytest

from support.fleet import ROOT, environment

# The compiler of test_sdk_projects.py, whose cache is warm then.
pytestmark = [pytest.mark.xdist_group("authors"), pytest.mark.timeout(600)]

ZIG = [sys.executable, "-m", "ziglang"]


def run(*command, folder, **more):
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env=environment(**more),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, f"$ {command}\n{done.stdout}"
    return done.stdout


@pytest.fixture
def project(tmp_path):
    """A folder with the SDKs where `mockfleet new` puts them."""
    sdk = tmp_path / ".mockfleet/sdk"
    sdk.mkdir(parents=True)
    for name in ("c", "zig"):
        os.symlink(ROOT / "sdk" / name, sdk / name)
    return tmp_path


def examples(language, fence):
    text = (ROOT / f"sdk/{language}/README.md").read_text()
    return re.findall(rf"^```{fence}\n(.*?)^```$", text, re.M | re.S)


def test_sdk_for_c_passes_its_own_tests(project):
    """Its random numbers and walks are those of sdk/vectors.json."""
    test = project / "test_sdk"
    source = ROOT / "sdk/c/tests/test_sdk.c"
    run(*ZIG, "cc", "@.mockfleet/sdk/c/test.flags", source, "-o", test, folder=project)
    said = run(test, folder=project, MOCKFLEET_VECTORS=str(ROOT / "sdk/vectors.json"))
    assert re.fullmatch(r"1\d passed, 0 failed\n", said)


def test_failed_test_names_its_line_and_both_values(project):
    device, test = examples("c", "c")
    (project / "device.c").write_text(device)
    (project / "test_device.c").write_text(test.replace('\\"n\\":1', '\\"n\\":2'))
    flags = "@.mockfleet/sdk/c/test.flags"
    run(*ZIG, "cc", flags, "device.c", "test_device.c", "-o", "test", folder=project)
    done = subprocess.run([project / "test"], stdout=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert re.fullmatch(
        r"test_device\.c:7: mf_trial_sent\(door, \"door\", 1\)\n"
        r"  is       \{\"n\":1,\"open\":false\}\n  and not  \{\"n\":2,\"open\":false\}\n"
        r"door_that_always_moves_is_open_every_other_time: failed\n0 passed, 1 failed\n",
        done.stdout,
    )


def test_example_of_the_readme_for_c_passes_its_test(project):
    device, test = examples("c", "c")
    (project / "device.c").write_text(device)
    (project / "test_device.c").write_text(test)
    flags = "@.mockfleet/sdk/c/test.flags"
    run(*ZIG, "cc", flags, "device.c", "test_device.c", "-o", "test", folder=project)
    assert run("./test", folder=project) == "1 passed, 0 failed\n"


def test_example_of_the_readme_for_zig_passes_its_test(project):
    device, test = examples("zig", "zig")
    head = 'const std = @import("std");\n'
    (project / "device.zig").write_text(f"{head}{device}\n{test}")
    said = run(*ZIG, "test", "@.mockfleet/sdk/zig/test.flags", folder=project)
    assert "All 1 tests passed." in said
